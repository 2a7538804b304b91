#!/usr/bin/env bash
# Builds images of MySQL, MariaDB, Redis and moto, which speaks like Amazon's services, for machines that reach the packages
# of Debian and Python but no container registry. `cargo xtask test` calls it when it must. Does nothing for an image that
# exists. Needs root, docker, debootstrap; three minutes.
set -euo pipefail

mysql=majestic-test/mysql:9
mariadb=majestic-test/mariadb:11
redis=majestic-test/redis:8
moto=majestic-test/moto:5
here=$(cd "$(dirname "$0")" && pwd)

fail() { echo "build.sh: $*" >&2; exit 1; }
present() { docker image inspect "$1" >/dev/null 2>&1; }

if present "$mysql" && present "$mariadb" && present "$redis" && present "$moto"; then exit 0; fi
[ "$(id -u)" = 0 ] || fail "needs root, for debootstrap"
command -v debootstrap >/dev/null || fail "needs debootstrap (deploy/install-packages.sh installs it)"

# The mirror that this machine's own apt uses.
mirror=$(awk '/^URIs:/ {print $2; exit} /^deb / {print $2; exit}' \
  /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list 2>/dev/null || true)
[ -n "$mirror" ] || fail "found no Debian mirror in /etc/apt"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

quietly() { # LOG, COMMAND...: prints the log's end only when the command fails
  local log=$1
  shift
  "$@" >"$log" 2>&1 || { tail -20 "$log" >&2; fail "$1 failed"; }
}

install_in() { # ROOT, PACKAGE. A frozen mirror's lists may be past their date.
  chroot "$1" sh -ec "export DEBIAN_FRONTEND=noninteractive
    apt-get -o Acquire::Check-Valid-Until=false update -q
    apt-get -o Acquire::Check-Valid-Until=false install -y -q --no-install-recommends $2
    rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*.deb"
}

rootfs() { # NAME, PACKAGE
  cp -a "$work/base" "$work/$1"
  quietly "$work/log" install_in "$work/$1" "$2"
}

import() { # NAME, IMAGE, CHANGES...
  local name=$1 image=$2 changes=()
  shift 2
  for change; do changes+=(--change "$change"); done
  tar -C "$work/$name" -c . | docker import "${changes[@]}" - "$image"
}

# MySQL 9 is in unstable only.
quietly "$work/log" debootstrap --variant=minbase sid "$work/base" "$mirror"
# Packages must not start their servers while they are installed.
printf '#!/bin/sh\nexit 101\n' >"$work/base/usr/sbin/policy-rc.d"
chmod +x "$work/base/usr/sbin/policy-rc.d"
cp /etc/resolv.conf "$work/base/etc/resolv.conf"

if ! present "$mysql"; then
  rootfs mysql mysql-server
  rm -rf "$work"/mysql/var/lib/mysql/*
  install -m 755 "$here/mysql-entrypoint.sh" "$work/mysql/usr/local/bin/docker-entrypoint.sh"
  import mysql "$mysql" 'ENTRYPOINT ["docker-entrypoint.sh"]' 'EXPOSE 3306'
fi
if ! present "$mariadb"; then
  rootfs mariadb mariadb-server
  rm -rf "$work"/mariadb/var/lib/mysql/*
  install -m 755 "$here/mariadb-entrypoint.sh" "$work/mariadb/usr/local/bin/docker-entrypoint.sh"
  import mariadb "$mariadb" 'ENTRYPOINT ["docker-entrypoint.sh"]' 'EXPOSE 3306'
fi
if ! present "$redis"; then
  rootfs redis redis-server
  import redis "$redis" 'EXPOSE 6379' \
    'CMD ["redis-server","--bind","0.0.0.0","--protected-mode","no","--save",""]'
fi
if ! present "$moto"; then
  rootfs moto python3-venv
  # Where Python's packages come from, and whom this machine believes, is the same in there.
  install -D -m 644 /etc/ssl/certs/ca-certificates.crt "$work/moto/etc/ssl/certs/ca-certificates.crt"
  [ ! -e /etc/pip.conf ] || cp /etc/pip.conf "$work/moto/etc/pip.conf"
  quietly "$work/log" chroot "$work/moto" sh -ec "python3 -m venv /opt/moto
    /opt/moto/bin/pip install --quiet --no-cache-dir 'moto[server]==5.2.5'
    /opt/moto/bin/python -m compileall -q /opt/moto"
  import moto "$moto" 'EXPOSE 5000' 'ENTRYPOINT ["/opt/moto/bin/moto_server","-H","0.0.0.0"]'
fi
