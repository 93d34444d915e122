import type { Message } from '../channel.ts';
import { clip, fitted, type Outline, type Tone } from '../outline.ts';
import { moreLine } from '../text.ts';

/** Discord's: of one description, of all texts of a message, of fields. */
const limits = { description: 4096, all: 6000, fields: 25, title: 256 };

const colours: Record<Tone, number> = { bad: 0xd3_2f_2f, warning: 0xe6_8a_00, good: 0x2e_9e_4f, plain: 0x4a_6f_a5 };

interface Embed {
  title: string;
  description: string;
  color: number;
  timestamp: string;
  footer: { text: string };
  fields: { name: string; value: string; inline: boolean }[];
  url?: string;
}

export function discordMessage(message: Message): Record<string, unknown> {
  const embed = fitted(message, (outline) => embedOf(outline, message.at), fits);
  // Nothing that is written in a message may call anybody.
  return { username: 'Holdfast', embeds: [embed], allowed_mentions: { parse: [] } };
}

function fits({ title, description, footer, fields }: Embed): boolean {
  const texts = [title, description, footer.text, ...fields.flatMap(({ name, value }) => [name, value])];
  const all = texts.reduce((sum, text) => sum + text.length, 0);
  return description.length <= limits.description && all <= limits.all && fields.length <= limits.fields;
}

function embedOf(outline: Outline, at: string): Embed {
  const { tone, word, title, facts, link } = outline;
  return {
    title: clip(withoutFormat(`${word}: ${title}`), limits.title),
    description: descriptionOf(outline),
    color: colours[tone],
    timestamp: at,
    footer: { text: 'Holdfast' },
    fields: facts.map(({ name, value }) => ({
      name: withoutFormat(name),
      value: withoutFormat(value),
      inline: value.length <= 30,
    })),
    ...(link === null ? {} : { url: link }),
  };
}

function descriptionOf(outline: Outline): string {
  const { what, meaning, todo, errors, page } = outline;
  return [
    withoutFormat(what),
    meaning === null ? '' : `**What it means:** ${withoutFormat(meaning)}`,
    todo.length === 0
      ? ''
      : ['**What to do**', ...todo.map((step, at) => `${at + 1}. ${withoutFormat(step)}`)].join('\n'),
    errors.length === 0 ? '' : `**Errors**\n${errors.map(code).join('\n')}`,
    ...moreLine(outline),
    page === null ? '' : code(page),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

/** Shown as it was written: a name such as `_a_` stays one, and no text becomes a link. */
function withoutFormat(text: string): string {
  return text.replaceAll(/[\\*_~`|[\]<>]/g, '\\$&').replaceAll(/^(\s*)([#-])/gm, '$1\\$2');
}

/** What would end the block gets a space without width. */
function code(text: string): string {
  return `\`\`\`\n${text.replaceAll('```', '`\u200B``').replace(/`$/, '`\u200B')}\n\`\`\``;
}
