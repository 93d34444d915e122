import type { Artifact, Manifest } from '../../archive/format/manifest.ts';
import { formatBytes, formatCount } from '../../base/units.ts';
import type { Command } from '../command.ts';
import { print, printJson } from '../output/print.ts';
import { styleFor } from '../output/style.ts';
import { plural } from '../output/text.ts';
import { renderTree, type TreeNode } from '../output/tree.ts';
import { pickBackup } from '../pick.ts';

export const inspect: Command = {
  name: 'inspect',
  summary: 'what is inside a backup: files, tables, rows',
  group: 'look',
  arguments: [{ name: 'id', summary: 'id, unique prefix or `latest` (default)', optional: true, complete: 'backup' }],
  goesOnWithoutState: true,
  examples: [
    { line: 'holdfast inspect', does: 'the newest backup' },
    { line: 'holdfast inspect latest --json | jq .schemas', does: 'its tables, for a program' },
  ],
  run: async (context, input) => {
    const { source, storage, id } = await pickBackup(context, input);
    const { readManifest } = await import('../../archive/format/read-manifest.ts');
    const manifest = await readManifest(storage, source.name, id, context.signal);
    if (context.json) printJson(context.io, asJson(manifest));
    else print(context.io, ...renderTree(treeOf(manifest, storage.title), styleFor(context.io.color)));
  },
};

interface SchemaContents {
  schema: string;
  rows: number;
  tables: { name: string; rows: number | null }[];
  sequences: number;
}

function asJson(manifest: Manifest) {
  const { id, source, artifacts, database } = manifest;
  return { id, source, bytes: sumOf(artifacts), artifacts, schemas: database ? schemasOf(database) : [] };
}

/** By name; within a schema too, because that is how one looks for a table. */
export function schemasOf({ tables, sequences }: NonNullable<Manifest['database']>): SchemaContents[] {
  const names = [...new Set([...tables, ...sequences].map(({ schema }) => schema))].toSorted();
  const tablesOf = Map.groupBy(tables, ({ schema }) => schema);
  return names.map((schema) => {
    const inside = tablesOf.get(schema) ?? [];
    return {
      schema,
      rows: inside.reduce((sum, { rows }) => sum + (rows ?? 0), 0),
      tables: inside.map(({ name, rows }) => ({ name, rows })).toSorted((a, b) => (a.name < b.name ? -1 : 1)),
      sequences: sequences.filter((sequence) => sequence.schema === schema).length,
    };
  });
}

function treeOf(manifest: Manifest, place: string): TreeNode {
  const { id, source, artifacts, database } = manifest;
  return {
    label: `${source}/${id}`,
    detail: `${formatBytes(sumOf(artifacts))} in ${place}`,
    children: [
      { label: 'files', detail: plural(artifacts.length, 'artifact'), children: artifactNodes(artifacts) },
      ...(database
        ? [
            {
              label: `database ${database.name}`,
              detail: `${database.engine} ${database.serverVersion}`,
              children: schemasOf(database).flatMap(schemaNodes),
            },
          ]
        : []),
    ],
  };
}

/** A directory dump has a file per table: they are one line, and their names say nothing. */
function artifactNodes(artifacts: readonly Artifact[]): TreeNode[] {
  const groups = Map.groupBy(artifacts, ({ path }) => path.split('/')[0] ?? path);
  return [...groups].map(([name, files]) => {
    const [first] = files;
    const folder = files.length > 1 || first?.path !== name;
    const facts = [
      formatBytes(sumOf(files)),
      folder ? plural(files.length, 'file') : null,
      first?.format,
      first?.compression,
      first?.entries ? plural(first.entries, 'entry', 'entries') : null,
    ];
    return { label: folder ? `${name}/` : name, detail: facts.filter(Boolean).join(', ') };
  });
}

/** Where an engine has no schemas, tables stand right below their database. */
function schemaNodes({ schema, rows, tables, sequences }: SchemaContents): TreeNode[] {
  const children = tables.map((table) => ({
    label: table.name,
    detail: table.rows === null ? 'rows left out or not counted' : formatCount(table.rows, 'row'),
  }));
  if (schema === '') return children;
  const facts = [
    plural(tables.length, 'table'),
    formatCount(rows, 'row'),
    sequences > 0 ? plural(sequences, 'sequence') : null,
  ];
  return [{ label: schema, detail: facts.filter(Boolean).join(', '), children }];
}

function sumOf(artifacts: readonly Artifact[]): number {
  return artifacts.reduce((sum, { bytes }) => sum + bytes, 0);
}
