import type { Message } from './channel.ts';
import { oneLine, outlineOf, titleOf, toneOf, wordOf, type Outline, type Tone } from './outline.ts';

const signs: Record<Tone, string> = { bad: 'X', warning: '!', good: '+', plain: 'i' };

/** `[X] Holdfast web-1 CRITICAL: backup of shop failed` */
export function subjectOf(message: Message): string {
  return `[${signs[toneOf(message)]}] Holdfast ${oneLine(message.instance)} ${wordOf(message)}: ${titleOf(message)}`;
}

/** The whole message as plain text, its title first. */
export function textOf(message: Message): string {
  const outline = outlineOf(message);
  return `[${signs[outline.tone]}] ${outline.word}: ${outline.title}\n\n${bodyOf(outline)}`;
}

/** What stands below the title. `aligned`: the facts in columns, for a font whose letters are all as wide. */
export function bodyOf(outline: Outline, { aligned = true } = {}): string {
  return sectionsOf(outline, aligned)
    .map(({ heading, lines }) => [...(heading === null ? [] : [`${heading}:`]), ...lines].join('\n'))
    .join('\n\n');
}

interface Section {
  heading: string | null;
  lines: string[];
}

function sectionsOf(outline: Outline, aligned: boolean): Section[] {
  const { what, meaning, todo, facts, errors, link, page } = outline;
  const width = aligned ? Math.max(0, ...facts.map(({ name }) => name.length)) + 1 : 0;
  const sections: Section[] = [
    { heading: null, lines: [what] },
    { heading: null, lines: meaning === null ? [] : [`What it means: ${meaning}`] },
    { heading: 'What to do', lines: todo.map((step, index) => indented(`${index + 1}. ${step}`, '   ')) },
    { heading: null, lines: link === null ? [] : [`Look here: ${link}`] },
    { heading: null, lines: facts.map(({ name, value }) => `${`${name}:`.padEnd(width)} ${value}`) },
    { heading: 'Errors', lines: [...errors.map((error) => indented(`- ${error}`, '  ')), ...moreLine(outline)] },
    { heading: null, lines: page === null ? [] : [page] },
  ];
  return sections.filter(({ lines }) => lines.length > 0 && lines.join('') !== '');
}

/** `... and 3 more`, where errors were left out. */
export function moreLine({ moreErrors }: Outline): string[] {
  return moreErrors === 0 ? [] : [`... and ${moreErrors} more`];
}

function indented(text: string, indent: string): string {
  return text.replaceAll('\n', `\n${indent}`);
}
