# For nixpkgs: pkgs.callPackage ./package.nix { }.
#
# Programs there have no set-user-id bit. security.wrappers starts a program with one in another
# way; that has not been tried with gobwrap.
{
  lib,
  buildGoModule,
  fetchFromGitHub,
  libseccomp,
  pkg-config,
  asBwrap ? false,
}:

buildGoModule rec {
  pname = "gobwrap";
  version = "0.1.0";

  src = fetchFromGitHub {
    owner = "gobwrap";
    repo = "gobwrap";
    rev = "v${version}";
    hash = lib.fakeHash;
  };
  vendorHash = lib.fakeHash; # both are known when there is a release

  nativeBuildInputs = [ pkg-config ];
  buildInputs = [ libseccomp ];

  # The launcher has an entry point of its own; see docs/ARCHITECTURE.md. The hook of
  # buildGoModule would link it without.
  buildPhase = ''
    runHook preBuild
    make bin/gobwrap bin/gobwrap-limit bin/gobwrap-seccomp bin/third-party-licences
    runHook postBuild
  '';
  doCheck = false; # its tests want root and bubblewrap
  dontStrip = true; # done by the linker's flags

  installPhase = ''
    runHook preInstall
    make install DESTDIR= PREFIX=$out
  '' + lib.optionalString asBwrap ''
    ln -s gobwrap $out/bin/bwrap
    ln -s gobwrap.1 $out/share/man/man1/bwrap.1
  '' + ''
    runHook postInstall
  '';

  meta = {
    description = "Sandbox launcher with the command line of bubblewrap";
    homepage = "https://github.com/gobwrap/gobwrap";
    license = lib.licenses.asl20;
    platforms = [ "x86_64-linux" "aarch64-linux" ];
    mainProgram = "gobwrap";
  };
}
