import type { Message } from '../channel.ts';
import { fitted, type Outline, type Tone } from '../outline.ts';
import { moreLine } from '../text.ts';

/** Teams refuses a message of more than about 28 KB. */
const longest = 24 * 1024;

const colours: Record<Tone, string> = { bad: 'Attention', warning: 'Warning', good: 'Good', plain: 'Accent' };

/** What a workflow that starts "when a Teams webhook request is received" expects: a message with one Adaptive Card. */
export function cardMessage(message: Message): Record<string, unknown> {
  return fitted(message, wrap, (form) => Buffer.byteLength(JSON.stringify(form)) <= longest);
}

function wrap(outline: Outline): Record<string, unknown> {
  return {
    type: 'message',
    attachments: [
      { contentType: 'application/vnd.microsoft.card.adaptive', contentUrl: null, content: cardOf(outline) },
    ],
  };
}

function cardOf(outline: Outline): Record<string, unknown> {
  const { link } = outline;
  return {
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    type: 'AdaptiveCard',
    // What Teams shows everywhere.
    version: '1.4',
    msteams: { width: 'Full' },
    body: bodyOf(outline),
    ...(link === null ? {} : { actions: [{ type: 'Action.OpenUrl', title: 'Look here', url: link }] }),
  };
}

function bodyOf(outline: Outline): Record<string, unknown>[] {
  const { tone, word, title, what, meaning, todo, facts, errors, page } = outline;
  const color = colours[tone];
  return [
    ...text(word, { color, weight: 'Bolder', size: 'Small' }),
    ...text(title, { color, weight: 'Bolder', size: 'Large' }, 'None'),
    ...text(what),
    ...(meaning === null ? [] : [...text('What it means', { weight: 'Bolder' }), ...text(meaning, {}, 'None')]),
    ...(todo.length === 0 ? [] : text('What to do', { weight: 'Bolder' })),
    ...todo.flatMap((step, index) => text(`${index + 1}. ${step}`, {}, 'None')),
    ...(facts.length === 0 ? [] : [factSet(facts)]),
    ...(errors.length === 0 ? [] : text('Errors', { weight: 'Bolder' })),
    ...errors.flatMap((error) => text(error, { fontType: 'Monospace', size: 'Small' }, 'Small')),
    ...moreLine(outline).flatMap((line) => text(line)),
    ...(page === null ? [] : text(page, { fontType: 'Monospace', size: 'Small' })),
  ];
}

/** Rich text, because it is shown as it is: in a `TextBlock`, stars, brackets and the like would be formatting. */
function text(content: string, look: Record<string, string> = {}, spacing = 'Medium'): Record<string, unknown>[] {
  if (content === '') return [];
  return content.split('\n').map((line, index) => ({
    type: 'RichTextBlock',
    spacing: index === 0 ? spacing : 'None',
    // Without any text, the line would vanish.
    inlines: [{ type: 'TextRun', text: line === '' ? '\u00A0' : line, ...look }],
  }));
}

function factSet(facts: Outline['facts']): Record<string, unknown> {
  return {
    type: 'FactSet',
    spacing: 'Medium',
    facts: facts.map(({ name, value }) => ({ title: withoutFormat(name), value: withoutFormat(value) })),
  };
}

/** Facts are Markdown. Underscores inside of words are not, and stay readable where backslashes are shown. */
function withoutFormat(line: string): string {
  return line.replaceAll(/[\\`*[\]]|(?<!\w)_|_(?!\w)/g, '\\$&');
}
