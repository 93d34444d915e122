export interface Session extends AsyncDisposable {
  run(sql: string): Promise<void>;
  /** The first column of the first row. */
  value(sql: string): Promise<string | null>;
}
