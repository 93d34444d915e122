import { Tabs } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { useSearchParams } from 'wouter';
import { useMay } from '../api/session.ts';
import { Page } from '../parts/page.tsx';
import { Account } from './access/account.tsx';
import { Tokens } from './access/tokens.tsx';
import { Users } from './access/users.tsx';

const tabs = ['account', 'users', 'tokens'] as const;

/** One's own account, and for admins everybody's. */
export function Access() {
  const { t } = useTranslation();
  const mayAll = useMay('access');
  const [params, setParams] = useSearchParams();
  if (!mayAll) {
    return (
      <Page title={t('access.account')}>
        <Account />
      </Page>
    );
  }
  const shown = tabs.find((each) => each === params.get('show')) ?? 'account';
  return (
    <Page title={t('access.title')} about={t('access.about')}>
      <Tabs
        value={shown}
        onChange={(show) => setParams(show === null ? {} : { show }, { replace: true })}
        keepMounted={false}
      >
        <Tabs.List mb="lg">
          {tabs.map((each) => (
            <Tabs.Tab key={each} value={each}>
              {t(`access.${each}`)}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value="account">
          <Account />
        </Tabs.Panel>
        <Tabs.Panel value="users">
          <Users />
        </Tabs.Panel>
        <Tabs.Panel value="tokens">
          <Tokens />
        </Tabs.Panel>
      </Tabs>
    </Page>
  );
}
