import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { Stack } from '@mantine/core';
import type { SourceView } from '../../../src/api/contract.ts';
import { call } from '../api/client.ts';
import { Page, Section } from '../parts/page.tsx';
import { Empty, Shown } from '../parts/shown.tsx';
import { useFormat } from '../parts/use-format.ts';
import { Findings } from './overview/findings.tsx';
import { SourceCard } from './overview/source-card.tsx';

/** Is everything all right, and how does each source stand? */
export function Overview() {
  const { t } = useTranslation();
  const sources = useQuery({ queryKey: ['sources'], queryFn: ({ signal }) => call('GET', '/sources', { signal }) });
  return (
    <Page title={t('overview.title')} about={sources.data ? <Sum sources={sources.data} /> : null}>
      <Findings sources={sources.data ?? []} />
      <Section title={t('overview.sources')}>
        <Shown query={sources}>
          {(all) =>
            all.length === 0 ? (
              <Empty title={t('overview.none')} text={t('overview.noneText')} />
            ) : (
              <Stack gap="sm">
                {all.map((source) => (
                  <SourceCard key={source.name} source={source} />
                ))}
              </Stack>
            )
          }
        </Shown>
      </Section>
    </Page>
  );
}

function Sum({ sources }: { sources: readonly SourceView[] }) {
  const { t } = useTranslation();
  const format = useFormat();
  const sum = (count: (source: SourceView) => number) => sources.reduce((all, each) => all + count(each), 0);
  return t('overview.about', {
    count: sources.length,
    backups: format.number(sum(({ backups }) => backups)),
    bytes: format.bytes(sum(({ bytes }) => bytes)),
  });
}
