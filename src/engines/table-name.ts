export interface TableName {
  /** Empty where an engine has none. */
  schema: string;
  name: string;
}

/** For people. */
export function tableTitle({ schema, name }: TableName): string {
  return schema === '' ? name : `${schema}.${name}`;
}
