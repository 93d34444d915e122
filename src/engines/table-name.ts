export interface TableName {
  schema: string;
  name: string;
}
