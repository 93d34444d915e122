import { z } from 'zod';
import type { ContainerEngine } from './engine.ts';

/** Container names and ids, as the engines accept them; never something that could be read as an option. */
const containerName = z
  .string()
  .regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/, { error: 'must be the name of a container, or auto' })
  .meta({ description: 'The container whose client tools are used: a name, or auto to look for it.' });

/** In the order in which they are looked for. */
export const containerEngines = ['docker', 'podman'] as const satisfies ContainerEngine[];

export const viaSchema = z.strictObject({
  container: containerName,
  engine: z.enum(containerEngines).optional().meta({
    description: 'The program that reaches the container. Default: docker where it is installed, or else podman.',
  }),
});
