import { Button } from '@mantine/core';
import { IconPlayerStop } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { RunView } from '../../../src/api/contract.ts';
import { call } from '../api/client.ts';
import { useMay } from '../api/session.ts';
import { Confirm } from './confirm.tsx';
import { useRunWords } from './run-words.ts';
import { useAct } from './toasts.tsx';

/** The way to end a run, for those who may, as long as it goes on. */
export function CancelRun({ run }: { run: RunView }) {
  const { t } = useTranslation();
  const { operation } = useRunWords();
  const mayCancel = useMay('cancel');
  const [asking, setAsking] = useState(false);
  const cancel = useAct(
    () => call('DELETE', '/runs/{id}', { params: { id: run.id } }),
    (_run, _given, toasts) => {
      setAsking(false);
      toasts.begun(t('run.cancelling'));
    },
  );
  if (run.finishedAt !== null || !mayCancel) return null;
  return (
    <>
      <Button
        size="compact-sm"
        variant="default"
        leftSection={<IconPlayerStop size={14} aria-hidden />}
        onClick={() => setAsking(true)}
        disabled={cancel.isSuccess}
      >
        {t('run.cancel')}
      </Button>
      <Confirm
        opened={asking}
        onClose={() => setAsking(false)}
        title={t('activity.cancelTitle', { operation: operation(run.operation) })}
        word={null}
        label={t('activity.cancelRun')}
        busy={cancel.isPending}
        onConfirm={() => cancel.mutate()}
      >
        {t(run.operation === 'restore' ? 'activity.cancelRestore' : 'activity.cancelText')}
      </Confirm>
    </>
  );
}
