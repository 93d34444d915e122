import { z } from 'zod';

/** Container names and ids, as the engines accept them; never something that could be read as an option. */
const containerName = z
  .string()
  .regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/, { error: 'must be the name of a container, or auto' })
  .meta({ description: 'The container whose client tools are used: a name, or auto to look for it.' });

export const viaSchema = z.strictObject({ container: containerName });
