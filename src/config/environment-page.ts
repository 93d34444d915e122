import { variables } from './variables.ts';

/** `docs/environment.md`. */
export function environmentPage(): string {
  const rows = variables.map(({ name, about, example, noFile }) => {
    return `| \`${name}\`${noFile ? ' (no `_FILE`)' : ''} | ${about.replaceAll('|', '\\|')} | \`${example}\` |`;
  });
  return `# Environment variables

Without a configuration file, these variables describe one source and one local storage; that is all a container needs.
Where there is a \`holdfast.yaml\`, only \`HOLDFAST_CONFIG\`, \`HOLDFAST_STATE\`, \`HOLDFAST_ENV_FILE\`, \`HOLDFAST_LOG_LEVEL\` and
\`HOLDFAST_LOG_FORMAT\` are obeyed; others are named in a warning, unless the file itself refers to them. The variables of five
other backup systems are understood, too: [Presets](presets.md).

- Where they name a storage and say nothing of a database, what lies there can be looked at and restored:
  [Recovery on a new machine](recover.md).
- Each is also understood with \`_FILE\` behind its name: the path of a file that holds the value (its last line end does not
  count). Giving both is an error. An empty variable counts as not given.
- Values are taken as they are. Nothing in them is expanded, run, or needs to be quoted or encoded. A \`.env\` file is read
  when \`HOLDFAST_ENV_FILE\` names it; a variable that is given otherwise wins over the file. How lines are logged is
  not looked up there.
- \`holdfast config show\` prints what is in effect and which variable it came from; \`holdfast config export\` prints the
  \`holdfast.yaml\` that means the same.

| variable | what it says | example |
| --- | --- | --- |
${rows.join('\n')}

In \`holdfast.yaml\` any variable can be used: \`\${NAME}\`, or \`\${NAME:-default}\`. See [the configuration](configuration.md).
`;
}
