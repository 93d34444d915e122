import type { Command } from '../command.ts';
import { printJson } from '../output/print.ts';

export const schema: Command = {
  name: 'schema',
  summary: 'print the JSON Schema of holdfast.yaml',
  group: 'care',
  examples: [{ line: 'holdfast schema > holdfast.schema.json', does: 'for editors that complete and check YAML' }],
  run: async ({ io }) => {
    const { configJsonSchema } = await import('../../config/schema.ts');
    printJson(io, configJsonSchema());
  },
};
