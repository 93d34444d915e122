import { z } from 'zod';

const text = z.string().min(1, 'must not be empty');

const url = z
  .string()
  .refine((written) => /^https?:\/\/[^/?#@]+(\/[^?#]*)?$/.test(written) && URL.canParse(written), {
    error: 'must be an address such as https://cloud.example.com/dav, without user and password',
  })
  .transform((written) => written.replace(/\/+$/, ''));

const path = z
  .string()
  .transform((written) => written.replaceAll(/^\/+|\/+$/g, ''))
  .refine((written) => written.split('/').every((segment) => segment !== '..' && segment !== '.'), {
    error: 'must not contain . or .. as a segment',
  });

export const webdavOptions = z
  .strictObject({
    type: z.literal('webdav'),
    url: url.meta({ description: 'The address of the server, with the part of the path that is its own.' }),
    user: text.optional(),
    password: text.optional(),
    token: text.optional().meta({ description: 'A bearer token, instead of user and password.' }),
    path: path.default('').meta({ description: 'The folder below url; created when it does not exist.' }),
  })
  .superRefine(({ user, password, token }, context) => {
    const problem = (message: string) => context.addIssue({ code: 'custom', message });
    if ((user === undefined) !== (password === undefined)) problem('needs both user and password, or neither');
    if (user !== undefined && token !== undefined) problem('has both a user and a token; only one is allowed');
  });

export type WebdavOptions = z.output<typeof webdavOptions>;
