export function toJson(value: unknown): string | null {
  return value === null || value === undefined ? null : JSON.stringify(value);
}

export function fromJson(text: unknown): unknown {
  return typeof text === 'string' ? JSON.parse(text) : null;
}
