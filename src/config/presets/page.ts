import { presets } from './index.ts';
import type { Preset, PresetVariable } from './preset.ts';

/** `docs/presets.md`. */
export function presetsPage(): string {
  return `# Presets: moving from another backup system

<!-- Made by npm run docs from src/config/presets/. -->

Holdfast understands the environments of five existing systems as they are: keep the compose file or the \`.env\`, exchange the image.
Without a \`holdfast.yaml\`, the variables below describe one source and its storages; the defaults of the system apply.

${presets.map(({ name, title }) => `- [\`HOLDFAST_PRESET=${name}\`](#${name}): ${title}`).join('\n')}

## How it works

- **Which one**: \`HOLDFAST_PRESET\` says it. Without it, a preset is used when the variables can only belong to that system, and a
  warning says so; when they look like two systems, that is an error. \`HOLDFAST_PRESET=none\` switches presets off, and so do
  variables that describe the database in Holdfast's words (\`HOLDFAST_DATABASE_URL\`, \`_HOST\`, \`_NAME\`, \`_PATH\`) while no preset is named.
- **Files with secrets**: every variable is also understood with \`_FILE\` behind its name.
- **Two names for one thing** may both be given while they say the same; different values are an error.
- **Nonsense** (hour 25, an unknown channel) is an error that says what is allowed; all errors are told at once.
- **\`HOLDFAST_\` variables win** over those of the system; a warning names the one without effect. The source is named as the
  preset, or as \`HOLDFAST_SOURCE\` says. A \`holdfast.yaml\` wins over everything; a warning names what is ignored.
- **\`.env\` files**: \`HOLDFAST_ENV_FILE\` names one. It is read as plain values and never run; what the caller gives wins.
- **What you have**: \`holdfast config show\` prints each value with the variable it comes from (or \`preset nocodb\` for a
  default of the system) and what the preset has to explain. \`holdfast config export\` prints the \`holdfast.yaml\` that means the same.
  Secrets become references to the variables and files they came from, so keep those (and \`HOLDFAST_ENV_FILE\`) when you use it.
- **What is saved**: the database, and beside it what the environment names: folders, and the application through its API or
  with its folder. What cannot be saved with the variables given (an export without a token, keys that lie in no file, files in
  a bucket) is named in a warning at every start. A folder of a preset that is missing is a warning of the backup; folders that
  \`HOLDFAST_FILES\` names in its place must be there.
- **Old backups** are left alone: never listed, never removed. [\`holdfast import\`](import.md) adopts them.

Settings are those of the source (\`retention.last\`) or of the whole (\`storages.s3.bucket\`): [Configuration](configuration.md).

${presets.map(section).join('\n')}
## Old command lines

| typed there | here |
| --- | --- |
| \`--now\`, \`--now --db-only\` | \`holdfast backup\`, \`holdfast backup --only database\` |
| \`cli <command>\` | \`holdfast <command>\` |
| \`create -d text\` | \`holdfast backup --description text\` |
| \`restore-dump <id>\` | \`holdfast restore <id>\` |
| \`restore-files <id>\` | \`holdfast restore files <id>\` |
| \`restore-schema <id>\`, \`restore-records <id>\`, \`restore-attachments <id>\` | \`holdfast restore schema <id>\`, \`... records\`, \`... attachments\` |
| \`restore <file>\` | \`holdfast restore <file>\` |
| \`delete <id> --local-only\`, \`--s3-only\`, \`--force\` | the same; \`--force\` is \`--yes\` |
| \`cleanup\` | \`holdfast prune\` |
| \`test-config\` | \`holdfast doctor\` |
| \`FORCE_RESTORE=true\` | \`--yes\` for \`holdfast restore\`: it skips the question, never a guard |

All of them are understood as they stand on the left.
`;
}

function section({ name, title, variables, differences }: Preset): string {
  return `## ${name}

${title}. What is different, and why:

${differences.map((text) => `- ${text.replaceAll('\n', '\n  ')}`).join('\n')}

| variable | also | becomes | default | remarks |
| --- | --- | --- | --- | --- |
${variables.map(row).join('\n')}
`;
}

function row({ name, also = [], to, standard, about }: PresetVariable): string {
  const cells = [
    code(name),
    also.map(code).join(', '),
    to === '' ? '' : code(to),
    standard === undefined ? '' : code(standard),
    about.replaceAll('|', '\\|'),
  ];
  return `| ${cells.join(' | ')} |`;
}

function code(text: string): string {
  return `\`${text}\``;
}
