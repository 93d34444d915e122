import { z } from 'zod';
import { address, commonOptions, line } from '../fields.ts';

const target = address('https://hc-ping.com/...');

export const pingOptions = z
  .strictObject({
    type: z.literal('ping'),
    ...commonOptions,
    url: target.optional().meta({
      description:
        'The address of a check; {source} and {operation} in it are replaced. Phases are added as the style asks.',
    }),
    style: z.enum(['auto', 'healthchecks', 'uptime-kuma']).default('auto').meta({
      description:
        'healthchecks: /start and /fail behind url; uptime-kuma: status, msg and ping; auto: by the look of url.',
    }),
    start: target.optional().meta({ description: 'Called as it is at the start, in place of what url says.' }),
    success: target.optional().meta({ description: 'Called as it is after success, in place of what url says.' }),
    fail: target.optional().meta({ description: 'Called as it is after a failure, in place of what url says.' }),
    operations: z.array(line).min(1, 'must name at least one').default(['backup']).meta({
      description: 'Which runs are told of: a check can follow one kind of work only.',
    }),
  })
  .superRefine(({ url, start, success, fail }, context) => {
    if (url !== undefined || success !== undefined) return;
    const message =
      start === undefined && fail === undefined ? 'needs url, or success' : 'needs success, or url, beside the others';
    context.addIssue({ code: 'custom', message });
  });

export type PingOptions = z.output<typeof pingOptions>;
