import { useTranslation } from 'react-i18next';

export const operations = [
  'backup',
  'verify',
  'drill',
  'restore',
  'prune',
  'delete',
  'import',
  'rebuild',
  'copy',
  'key',
  'maintenance',
] as const;
const triggers = ['schedule', 'manual', 'console', 'api', 'safety', 'import', 'retry', 'start', 'undo'] as const;
const steps = [
  'dump',
  'count',
  'seal',
  'checksum',
  'structure',
  'copies',
  'retention',
  'load',
  'analyze',
  'compare',
  'checks',
  'replace',
  'store',
  'snapshot',
  'target',
  'swap',
  'safety backup',
] as const;

/** What the server calls by short names, in words. One that is not known here is shown as it is: the program may be newer. */
export function useRunWords() {
  const { t } = useTranslation();
  return {
    operation: (name: string) => {
      const known = operations.find((each) => each === name);
      return known ? t(`operations.${known}`) : name;
    },
    trigger: (name: string) => {
      const known = triggers.find((each) => each === name);
      return known ? t(`triggers.${known}`) : name;
    },
    step: (name: string) => {
      const known = steps.find((each) => each === name);
      return known ? t(`steps.${known}`) : name;
    },
  };
}
