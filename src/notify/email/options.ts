import { z } from 'zod';
import { commonOptions, line, wholeNumber } from '../fields.ts';

const mailbox = z.string().regex(/^[^\s@<>,;:"()[\]\\]+@[^\s@<>,;:"()[\]\\]+$/, {
  error: 'must be a mail address such as ops@example.com',
});

const recipients = z
  .union([z.string(), z.array(z.string())], { error: 'must be a list of mail addresses' })
  // A list in one text, divided by commas, is what comes out of the environment.
  .transform((written) => [written].flat().flatMap((text) => text.split(',').map((one) => one.trim())))
  .pipe(z.array(mailbox).min(1, 'must name at least one mail address'));

export const emailOptions = z
  .strictObject({
    type: z.literal('email'),
    ...commonOptions,
    from: mailbox.meta({ description: 'The address mails come from.' }),
    fromName: line.max(200).default('Holdfast').meta({ description: 'The name beside that address.' }),
    to: recipients.meta({ description: 'One or more addresses.' }),
    smtp: z.strictObject({
      host: line.meta({ description: 'The mail server.' }),
      port: wholeNumber(1, 65_535)
        .optional()
        .meta({ description: 'Default 587 with starttls, 465 with tls, 25 with none.' }),
      tls: z.enum(['starttls', 'tls', 'none']).default('starttls').meta({
        description:
          'starttls: encrypted after the greeting, or not at all sent; tls: from the first byte; none: in the clear.',
      }),
      user: line.optional(),
      password: z.string().min(1, 'must not be empty').optional(),
      ca: line.optional().meta({
        description: 'A file with the certificates (PEM) to trust instead of those of the machine.',
      }),
    }),
  })
  .superRefine(({ smtp: { user, password, tls, ca } }, context) => {
    const problem = (message: string) => context.addIssue({ code: 'custom', path: ['smtp'], message });
    if ((user === undefined) !== (password === undefined)) problem('needs both user and password, or neither');
    if (tls === 'none' && ca !== undefined) problem('has a ca, which has no meaning with tls: none');
  });

export type EmailOptions = z.output<typeof emailOptions>;
