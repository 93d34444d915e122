import type { Message } from '../channel.ts';
import { clipBytes, fitted, titleOf, toneOf, wordOf, type Tone } from '../outline.ts';
import { bodyOf } from '../text.ts';
import type { NtfyOptions } from './options.ts';

/** ntfy's, in bytes; what is longer becomes a file, which nobody reads on a phone at night. */
const longest = 4096;

/** Names that ntfy shows as pictures. */
const tags: Record<Tone, string> = {
  bad: 'rotating_light',
  warning: 'warning',
  good: 'white_check_mark',
  plain: 'information_source',
};

/** As JSON and not in headers, which could hold no line feeds and nothing beyond ASCII. */
export function ntfyMessage(message: Message, options: Pick<NtfyOptions, 'topic' | 'priority' | 'tags'>) {
  const body = fitted(
    message,
    (outline) => ({ text: bodyOf({ ...outline, link: null }, { aligned: false }), link: outline.link }),
    ({ text }) => Buffer.byteLength(text) <= longest,
  );
  return {
    topic: options.topic,
    title: `${wordOf(message)}: ${titleOf(message)}`,
    message: clipBytes(body.text, longest),
    priority: options.priority[message.severity],
    tags: [tags[toneOf(message)], ...options.tags],
    ...(body.link === null ? {} : { click: body.link }),
  };
}
