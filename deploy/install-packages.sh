#!/usr/bin/env bash
# Installs what building and testing needs and a Debian machine may lack. Does nothing when all is there.
# Rust itself comes from rustup (see rust-toolchain.toml).
set -euo pipefail

missing=()
need() { # COMMAND OR FILE, PACKAGE
  command -v "$1" >/dev/null || [ -e "$1" ] || missing+=("$2")
}

need cc gcc                          # ring and SQLite are compiled from C
need /usr/include/stdio.h libc6-dev
need docker docker.io                # MySQL and Redis for the tests, and the product's own image
need /etc/ssl/certs/ca-certificates.crt ca-certificates # for that image
need debootstrap debootstrap         # their images, where no registry can be reached
python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv) # a stand-in for S3, for the tests
[ "${#missing[@]}" -gt 0 ] || exit 0

as_root=()
[ "$(id -u)" = 0 ] || as_root=(sudo)
echo "installing ${missing[*]}"
"${as_root[@]}" apt-get update -q
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
  apt-get install -y -q --no-install-recommends "${missing[@]}"
