// Runs commands through Gemini CLI's manager of sandboxes, as its shell tool does. Facts go
// to stdout.
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const core = process.env.NPM + '/@google/gemini-cli-core/dist/src/sandbox/linux/LinuxSandboxManager.js';
const { LinuxSandboxManager } = await import(pathToFileURL(core));

mkdirSync('project');
mkdirSync('elsewhere');
process.chdir('project');

async function run(name, modeConfig) {
	const script = `
		echo "${name} id: $(id -u)"
		for file in made ../elsewhere/x .git/config; do
			if (echo text >"$file") 2>/dev/null; then echo "${name} $file: written"; else echo "${name} $file: refused"; fi
		done
		echo "${name} devices: $(grep -c : /proc/net/dev)"
		echo "${name} filter: $(sed -n 's/^Seccomp:.//p' /proc/self/status)"
		exit 7`;
	const manager = new LinuxSandboxManager({ workspace: process.cwd(), modeConfig });
	const c = await manager.prepareCommand({ command: 'sh', args: ['-c', script], cwd: process.cwd(), env: process.env });
	const r = spawnSync(c.program, c.args, { env: c.env, cwd: c.cwd, encoding: 'utf8' });
	c.cleanup?.();
	process.stdout.write(r.stdout);
	process.stderr.write(r.stderr);
	console.log(`${name} status: ${r.status}`);
}

await run('read-only', { readonly: true });
await run('writable', { readonly: false });
