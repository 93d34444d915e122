import { Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { GuardView } from '../../../src/api/contract.ts';
import { guardsEn } from '../words/guards.ts';
import { StateBadge } from './badge.tsx';

const signs = { pass: 'ok', warn: 'warning', block: 'critical' } as const;

interface GuardProps {
  guard: GuardView;
}

/** What a check before a restore is called, and how it went. */
export function GuardState({ guard: { code, result } }: GuardProps) {
  const { t } = useTranslation();
  const name = isKnown(code) ? t(`restore.guards.${code}.name`) : code;
  return <StateBadge state={signs[result]} label={`${name}: ${t(`restore.results.${result}`)}`} />;
}

/** What it means, and what was found. */
export function GuardFindings({ guard: { code, result, detail } }: GuardProps) {
  const { t } = useTranslation();
  const known = isKnown(code) ? code : null;
  return (
    <>
      {known ? <Text size="sm">{t(`restore.guards.${known}.${result}`)}</Text> : null}
      {/* Names and versions are told by the server, which speaks English. */}
      <Text size="sm" c={known ? 'dimmed' : ''} lang="en">
        {detail}
      </Text>
    </>
  );
}

function isKnown(code: string): code is keyof typeof guardsEn {
  return code in guardsEn;
}
