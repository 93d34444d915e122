/** The last part of an image's name, of either product: their clients and servers understand each other. Not `mysqld-exporter`, `phpmyadmin`. */
export function isMysqlImage(name: string): boolean {
  return /^(mysql|mysql-server|mariadb|mariadb-galera|percona|percona-server|percona-xtradb-cluster)$/.test(name);
}
