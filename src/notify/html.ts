import type { Message } from './channel.ts';
import { outlineOf, type Outline, type Tone } from './outline.ts';
import { moreLine } from './text.ts';

const colours: Record<Tone, string> = { bad: '#b3261e', warning: '#9a6700', good: '#1a7f37', plain: '#3d5a80' };
const font = "font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;font-size:15px;line-height:1.5";
const mono = 'font-family:ui-monospace,Menlo,Consolas,monospace;font-size:13px;line-height:1.45';

/**
 * For mail: everything inline and nothing from outside, because that is what clients of mail show. Only the colours for the night
 * are a rule, which those that do not know it leave out.
 */
export function htmlOf(message: Message): string {
  const outline = outlineOf(message);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<title>${escapeHtml(outline.title)}</title>
<style>
:root { color-scheme: light dark; }
@media (prefers-color-scheme: dark) {
  .page { background: #16181c !important; color: #e6e6e6 !important; }
  .card { background: #1f2227 !important; border-color: #353a42 !important; }
  .soft { color: #a5acb8 !important; }
  .code { background: #16181c !important; color: #e6e6e6 !important; }
}
</style>
</head>
<body class="page" style="margin:0;padding:24px 12px;background:#f3f4f6;color:#1c1f24;${font}">
<div class="card" style="max-width:640px;margin:0 auto;background:#ffffff;border:1px solid #d9dce1;border-radius:8px;overflow:hidden">
<div style="background:${colours[outline.tone]};color:#ffffff;padding:14px 20px">
<div style="font-size:12px;letter-spacing:.06em">${escapeHtml(outline.word)}</div>
<div style="font-size:19px;font-weight:600">${escapeHtml(outline.title)}</div>
</div>
<div style="padding:6px 20px 18px">
${partsOf(outline).join('\n')}
</div>
</div>
</body>
</html>
`;
}

function partsOf(outline: Outline): string[] {
  const { what, meaning, todo, link, facts, errors, page } = outline;
  return [
    what === '' ? '' : paragraph(lines(what)),
    meaning === null ? '' : `${heading('What it means')}${paragraph(lines(meaning))}`,
    todo.length === 0 ? '' : `${heading('What to do')}${list(todo)}`,
    link === null ? '' : paragraph(`<a href="${escapeHtml(link)}">${escapeHtml(link)}</a>`),
    facts.length === 0 ? '' : table(facts),
    errors.length === 0 ? '' : `${heading('Errors')}${errors.map(code).join('\n')}`,
    ...moreLine(outline).map((line) => paragraph(escapeHtml(line))),
    // Clients of mail leave out pictures and most of a page's look, so the page itself goes along as a file.
    page === null ? '' : `${heading('Report')}${code(page)}`,
  ].filter((part) => part !== '');
}

function heading(text: string): string {
  return `<div class="soft" style="margin:16px 0 0;font-size:13px;font-weight:600;color:#5b6270">${escapeHtml(text)}</div>`;
}

function paragraph(html: string): string {
  return `<p style="margin:10px 0 0">${html}</p>`;
}

function list(steps: readonly string[]): string {
  const items = steps.map((step) => `<li style="margin:4px 0 0">${lines(step)}</li>`);
  return `<ol style="margin:4px 0 0;padding-left:22px">${items.join('')}</ol>`;
}

function table(facts: Outline['facts']): string {
  const rows = facts.map(
    ({ name, value }) =>
      `<tr><td class="soft" style="padding:3px 16px 3px 0;color:#5b6270;vertical-align:top;white-space:nowrap">${escapeHtml(name)}</td>` +
      `<td style="padding:3px 0;vertical-align:top;overflow-wrap:anywhere">${escapeHtml(value)}</td></tr>`,
  );
  return `<table role="presentation" style="margin:16px 0 0;border-collapse:collapse;${font}">${rows.join('')}</table>`;
}

function code(text: string): string {
  const style = `margin:6px 0 0;padding:8px 10px;background:#f3f4f6;color:#1c1f24;border-radius:5px;white-space:pre-wrap;overflow-wrap:anywhere;${mono}`;
  return `<pre class="code" style="${style}">${escapeHtml(text)}</pre>`;
}

function lines(text: string): string {
  return escapeHtml(text).replaceAll('\n', '<br>');
}

export function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}
