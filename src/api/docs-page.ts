import { routes, type Route } from './contract.ts';
import { opsBase, opsRoutes } from './ops-center/contract.ts';

/** The routes as a page to read; it runs nothing and loads nothing. */
export function docsPage(): string {
  const rows = [
    ...(Object.values(routes) as Route[]).map((route) => ({ ...route, path: `/api/v1${route.path}` })),
    ...(Object.values(opsRoutes) as Route[]).map((route) => ({ ...route, path: opsBase + route.path })),
  ].map(
    ({ method, path, summary, action }) =>
      `<tr><td><code>${method}</code></td><td><code>${escape(path)}</code></td><td>${escape(summary)}</td><td>${escape(action ?? 'nobody in particular')}</td></tr>`,
  );
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Holdfast API</title>
<style>
:root{color-scheme:light dark}
body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem}
table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.35rem .6rem;border-bottom:1px solid #8884;vertical-align:top}
code{font:14px ui-monospace,monospace}
</style>
<h1>Holdfast API</h1>
<p>Send <code>Authorization: Bearer …</code> with a token from <code>holdfast token create</code>. Bodies and answers are JSON; errors are
<code>application/problem+json</code> with a code and a hint. Work that takes long answers 202 with a run; <code>?wait=60s</code> waits for its end.
The whole contract: <a href="/api/v1/openapi.json">openapi.json</a>.</p>
<table><thead><tr><th>Method</th><th>Address</th><th>Does</th><th>Needs the right to</th></tr></thead><tbody>
${rows.join('\n')}
</tbody></table></html>
`;
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
