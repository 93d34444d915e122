import type { Message } from '../channel.ts';
import { clip, fitted, type Outline, type Tone } from '../outline.ts';
import { moreLine } from '../text.ts';

/** All blocks of a message together; beyond about 13,000 characters Slack refuses them. */
const longest = 11_000;

const signs: Record<Tone, string> = { bad: '🔴', warning: '🟠', good: '🟢', plain: '🔵' };

type Block = Record<string, unknown>;

export function slackMessage(message: Message): { text: string; blocks: Block[]; unfurl_links: boolean } {
  return fitted(message, render, ({ blocks }) => JSON.stringify(blocks).length <= longest);
}

function render(outline: Outline): { text: string; blocks: Block[]; unfurl_links: boolean } {
  const title = `${signs[outline.tone]} ${outline.word}: ${outline.title}`;
  return {
    // For notifications, which show no blocks. Here `<!channel>` would call everybody.
    text: title.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;'),
    blocks: [
      { type: 'header', text: { type: 'plain_text', text: clip(title, 150), emoji: true } },
      { type: 'rich_text', elements: elementsOf(outline) },
    ],
    unfurl_links: false,
  };
}

/** Rich text, because it is shown as it is: mrkdwn has no way to write a star or an underscore that is only that. */
function elementsOf(outline: Outline): Block[] {
  const { what, meaning, todo, link, facts, errors, page } = outline;
  const more = moreLine(outline).map((line) => section(plain(line)));
  return [
    section(plain(what === '' ? outline.title : what)),
    ...(meaning === null ? [] : [section(bold('\nWhat it means: '), plain(meaning))]),
    ...(todo.length === 0 ? [] : [section(bold('\nWhat to do'))]),
    ...(todo.length === 0
      ? []
      : [{ type: 'rich_text_list', style: 'ordered', elements: todo.map((step) => section(plain(step))) }]),
    ...(link === null ? [] : [section({ type: 'link', url: link, text: 'Look here' })]),
    ...(facts.length === 0 ? [] : [section(plain('\n'), ...facts.flatMap(factLine))]),
    ...(errors.length === 0 ? [] : [section(bold('Errors'))]),
    ...errors.filter((error) => error !== '').map((error) => preformatted(error)),
    ...more,
    ...(page === null || page === '' ? [] : [preformatted(page)]),
  ];
}

function factLine({ name, value }: { name: string; value: string }): Block[] {
  return [bold(`${name}: `), plain(`${value}\n`)];
}

function section(...elements: Block[]): Block {
  return { type: 'rich_text_section', elements };
}

function preformatted(text: string): Block {
  return { type: 'rich_text_preformatted', elements: [plain(text)] };
}

/** An empty text is an error. */
function plain(text: string): Block {
  return { type: 'text', text: text === '' ? ' ' : text };
}

function bold(text: string): Block {
  return { type: 'text', text, style: { bold: true } };
}
