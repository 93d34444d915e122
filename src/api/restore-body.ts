import { z } from 'zod';

const name = z.string().min(1).max(200);
const titles = z.array(name).max(1000).default([]);

const fields = z.strictObject({
  source: name.optional(),
  id: name.default('latest'),
  storage: name.optional(),
  what: z.enum(['all', 'database', 'files', 'schema', 'records', 'attachments']).default('all').meta({
    description:
      'The database with its folders, one of both, or what an application gave through its API. A source without a database: all is files.',
  }),
  into: z
    .string()
    .max(1000)
    .regex(/^[^\0]+$/, 'must be a name or an address, without a NUL')
    .nullable()
    .default(null)
    .meta({ description: 'Another database instead of the live one.' }),
  inPlace: z.boolean().default(false),
  tables: z
    .array(z.strictObject({ schema: z.string().max(200), name }))
    .max(1000)
    .default([]),
  schemas: z.array(name).max(1000).default([]),
  owners: z.enum(['keep', 'none']).default('keep'),
  sessions: z.enum(['disconnect', 'refuse']).default('disconnect'),
  keepOld: z.boolean().default(false),
  safetyBackup: z.boolean().default(true),
  jobs: z.number().int().min(1).max(64).nullable().default(null),
  allow: z.array(name).max(20).default([]).meta({ description: 'Guards to lift, by their code.' }),
  trees: titles.meta({ description: 'With `files`: only these folders, by their names in the backup; empty: all.' }),
  bases: titles.meta({ description: 'With `schema`, `records` or `attachments`: titles or ids; empty: all.' }),
  baseTables: titles.meta({ description: 'Tables of bases, by title or id; empty: all.' }),
  skipExisting: z
    .boolean()
    .default(false)
    .meta({ description: 'With `schema` or `records`: leave alone what is there already, instead of refusing.' }),
  intoBase: z.string().min(1).max(200).nullable().default(null).meta({
    description: 'With `schema` or `records`: the title of the base to fill, instead of the one in the backup.',
  }),
  withAttachments: z
    .boolean()
    .default(false)
    .meta({ description: 'With `records`: also the files of attachment fields.' }),
  password: z
    .string()
    .min(1)
    .max(2000)
    .optional()
    .meta({ description: 'Of an encrypted backup, for this once: it is kept nowhere. Default: what is configured.' }),
});

export const planBody = fields.superRefine(refuseMisfits);
export const restoreBody = fields
  .extend({ confirm: z.string().max(200).optional().meta({ description: 'The word that the plan named.' }) })
  .superRefine(refuseMisfits);

type Body = z.infer<typeof fields>;

const ofDatabase = ['all', 'database'] as const;
const ofBases = ['schema', 'records', 'attachments'] as const;

interface Rule {
  field: keyof Body;
  given: boolean;
  fits: readonly Body['what'][];
}

/** All at once: what means nothing for this kind of restore would otherwise be taken for done. */
function refuseMisfits(body: Body, context: z.RefinementCtx): void {
  const rules: Rule[] = [
    { field: 'into', given: body.into !== null, fits: ofDatabase },
    { field: 'inPlace', given: body.inPlace, fits: ofDatabase },
    { field: 'tables', given: body.tables.length > 0, fits: ofDatabase },
    { field: 'schemas', given: body.schemas.length > 0, fits: ofDatabase },
    { field: 'owners', given: body.owners !== 'keep', fits: ofDatabase },
    { field: 'sessions', given: body.sessions !== 'disconnect', fits: ofDatabase },
    { field: 'jobs', given: body.jobs !== null, fits: ofDatabase },
    { field: 'allow', given: body.allow.length > 0, fits: ofDatabase },
    { field: 'keepOld', given: body.keepOld, fits: [...ofDatabase, 'files'] },
    { field: 'trees', given: body.trees.length > 0, fits: ['files'] },
    { field: 'bases', given: body.bases.length > 0, fits: ofBases },
    { field: 'baseTables', given: body.baseTables.length > 0, fits: ofBases },
    { field: 'skipExisting', given: body.skipExisting, fits: ['schema', 'records'] },
    { field: 'intoBase', given: body.intoBase !== null, fits: ['schema', 'records'] },
    { field: 'withAttachments', given: body.withAttachments, fits: ['records'] },
  ];
  for (const { field, given, fits } of rules) {
    if (!given || fits.includes(body.what)) continue;
    context.addIssue({ code: 'custom', path: [field], message: `goes with ${fits.join(', ')}, not with ${body.what}` });
  }
}
