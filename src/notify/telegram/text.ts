import type { Message } from '../channel.ts';
import { escapeHtml } from '../html.ts';
import { fitted, type Outline, type Tone } from '../outline.ts';
import { bodyOf } from '../text.ts';

/** Telegram's, in UTF-16 units, once it has read the HTML. */
const longest = 4096;

const signs: Record<Tone, string> = { bad: '🔴', warning: '🟠', good: '🟢', plain: '🔵' };

/** In Telegram's HTML, where every character that means something can be escaped. */
export function telegramText(message: Message): string {
  const { title, body } = fitted(message, render, (form) => form.title.length + form.body.length + 2 <= longest);
  return `<b>${escapeHtml(title)}</b>\n\n${escapeHtml(body)}`;
}

function render(outline: Outline): { title: string; body: string } {
  const { tone, word, title } = outline;
  return { title: `${signs[tone]} ${word}: ${title}`, body: bodyOf(outline, { aligned: false }) };
}
