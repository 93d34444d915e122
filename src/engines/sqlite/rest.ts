/** What SQLite keeps beside a database. */
export const endings = ['-journal', '-wal', '-shm'];

/** Where it goes when the database itself is gone: as what lived would be called now, had it been there. */
export function restName(replacement: string): string {
  const name = replacement.replace(/_restoring_(?=[^/]*$)/, '_before_');
  return name === replacement ? `${replacement}_rest` : name;
}

/** While a file and its replacement change places: the names of both, for whoever finds them cut off. */
export function noteOf(live: string): string {
  return `${live}.holdfast-swap`;
}
