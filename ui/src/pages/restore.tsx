import { useTranslation } from 'react-i18next';
import { useSearchParams } from 'wouter';
import { useMay } from '../api/session.ts';
import { Page } from '../parts/page.tsx';
import { Empty } from '../parts/shown.tsx';
import { Restored } from './restore/restored.tsx';
import { Wizard } from './restore/wizard.tsx';

/** From the choice of a backup to the proof that its data is back; the address says how far one is. */
export function Restore() {
  const { t } = useTranslation();
  const mayRestore = useMay('restore');
  const [params, setParams] = useSearchParams();
  const run = params.get('run');
  if (!mayRestore) {
    return (
      <Page title={t('restore.title')}>
        <Empty title={t('problem.notAllowed')} text={t('problem.notAllowedHint')} />
      </Page>
    );
  }
  if (run !== null) return <Restored id={run} kind={params.get('kind')} />;
  const source = params.get('source') ?? '';
  const id = params.get('id') ?? '';
  return (
    <Page title={t('restore.title')} about={t('restore.about')}>
      <Wizard
        key={`${source}/${id}`}
        source={source}
        id={id}
        onStarted={({ id: started }, kind) => setParams({ run: started, kind })}
      />
    </Page>
  );
}
