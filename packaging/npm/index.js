// The path of the launcher, for programs that take the path of a bwrap.
module.exports = require('path').join(__dirname, 'bin', 'gobwrap')
