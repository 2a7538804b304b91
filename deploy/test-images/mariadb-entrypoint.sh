#!/bin/sh
# Starts MariaDB as the official image does, with as much of that image as the tests use: arguments go
# to mariadbd, and root may come from anywhere, without a password.
set -eu
data=/var/lib/mysql

if [ ! -d "$data/mysql" ]; then
  chown mysql "$data"
  mariadb-install-db --no-defaults --user=mysql --datadir="$data" --auth-root-authentication-method=normal --skip-test-db
  init=$(mktemp)
  cat >"$init" <<SQL
CREATE USER 'root'@'%' IDENTIFIED BY '';
GRANT ALL ON *.* TO 'root'@'%' WITH GRANT OPTION;
SQL
  chown mysql "$init"
  set -- "$@" --init-file="$init"
fi
mkdir -p /run/mysqld
chown mysql /run/mysqld
exec mariadbd --no-defaults --user=mysql --datadir="$data" --socket=/run/mysqld/mysqld.sock "$@"
