import { createHash } from 'node:crypto';
import type { SendMailOptions } from 'nodemailer';
import type { Message } from '../channel.ts';
import { htmlOf } from '../html.ts';
import { oneLine } from '../outline.ts';
import { subjectOf, textOf } from '../text.ts';
import type { EmailOptions } from './options.ts';

/** A message as mail: text and HTML, and the page beside them as a file. */
export function mailOf(message: Message, { from, fromName }: EmailOptions, to: readonly string[]): SendMailOptions {
  const { page, at } = message;
  return {
    from: { name: oneLine(fromName), address: from },
    to: [...to],
    subject: subjectOf(message),
    // The same for every try, so that a mail that arrives twice is known to be one.
    messageId: `<${createHash('sha256').update(message.id).digest('hex').slice(0, 32)}@${domainOf(from)}>`,
    headers: {
      // So that nobody's absence is answered to it.
      'Auto-Submitted': 'auto-generated',
      'X-Auto-Response-Suppress': 'All',
      ...(message.severity === 'critical' && message.kind !== 'resolved' ? { Importance: 'high' } : {}),
    },
    text: textOf(message),
    html: htmlOf(message),
    ...(page === null
      ? {}
      : {
          attachments: [
            {
              filename: `holdfast-${message.kind}-${at.slice(0, 10)}.html`,
              content: page.html,
              contentType: 'text/html; charset=utf-8',
            },
          ],
        }),
    disableFileAccess: true,
    disableUrlAccess: true,
  };
}

function domainOf(address: string): string {
  return address.slice(address.lastIndexOf('@') + 1);
}
