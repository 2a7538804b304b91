#!/bin/sh
# Starts MySQL as the official image does, with as much of that image as the tests use: arguments go
# to mysqld, and root may come from anywhere, with MYSQL_ROOT_PASSWORD (which may be empty).
set -eu
data=/var/lib/mysql

if [ ! -d "$data/mysql" ]; then
  chown mysql "$data"
  mysqld --no-defaults --initialize-insecure --user=mysql --datadir="$data"
  init=$(mktemp)
  cat >"$init" <<SQL
CREATE USER 'root'@'%' IDENTIFIED BY '${MYSQL_ROOT_PASSWORD:-}';
GRANT ALL ON *.* TO 'root'@'%' WITH GRANT OPTION;
ALTER USER 'root'@'localhost' IDENTIFIED BY '${MYSQL_ROOT_PASSWORD:-}';
SQL
  chown mysql "$init"
  set -- "$@" --init-file="$init"
fi
mkdir -p /run/mysqld
chown mysql /run/mysqld
exec mysqld --no-defaults --user=mysql --datadir="$data" --socket=/run/mysqld/mysqld.sock "$@"
