import { z } from 'zod';

const text = z
  .string()
  .min(1, 'must not be empty')
  .regex(/^\P{Cc}*$/u, 'must be one line without control characters');

const portAllowed = 'must be a whole number from 1 to 65535';
/** Also as a text of digits: what comes out of the environment is text. */
const port = z
  .union([z.int(), z.string().regex(/^\d{1,5}$/)], { error: portAllowed })
  .transform(Number)
  .pipe(z.int().min(1, { error: portAllowed }).max(65_535, { error: portAllowed }));

export const sftpOptions = z
  .strictObject({
    type: z.literal('sftp'),
    host: text,
    port: port.prefault(22),
    user: text,
    password: z.string().min(1).optional(),
    key: z.string().min(1).optional().meta({ description: 'A private key: the path of its file, or its text.' }),
    keyPassphrase: z.string().min(1).optional(),
    hostKey: text.meta({
      description: "The server's key: its fingerprint (SHA256:...), or the path of a known_hosts file.",
    }),
    path: text.meta({ description: 'The folder on the server, from the root or from the home of the user.' }),
  })
  .superRefine(({ password, key, keyPassphrase }, context) => {
    const problem = (message: string) => context.addIssue({ code: 'custom', message });
    if (password === undefined && key === undefined) problem('needs password or key');
    if (keyPassphrase !== undefined && key === undefined) problem('has a keyPassphrase, but no key');
  });

export type SftpOptions = z.output<typeof sftpOptions>;
