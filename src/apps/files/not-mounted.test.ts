import { expect, test } from 'vitest';
import { missingMount } from './not-mounted.ts';

const table = `# <file system> <mount point> <type> <options> <dump> <pass>
UUID=1 / ext4 errors=remount-ro 0 1
UUID=2 none swap sw 0 0
UUID=3 /srv ext4 defaults 0 2
UUID=4 /srv/shop/uploads/ xfs defaults,nofail 0 2
//nas/x /mnt/my\\040nas cifs credentials=/etc/nas 0 0
UUID=5 /mnt/usb ext4 noauto 0 0
#UUID=6 /mnt/old ext4 defaults 0 0
`;

test.each<[string, string[], string | null]>([
  ['/srv/shop/uploads', ['/', '/srv'], '/srv/shop/uploads'],
  ['/srv/shop/uploads/deep', ['/', '/srv'], '/srv/shop/uploads'],
  ['/srv/shop/uploads', ['/', '/srv', '/srv/shop/uploads'], null],
  ['/srv/shop/other', ['/'], '/srv'],
  ['/srv/shop/uploads-of-another', ['/', '/srv'], null],
  ['/mnt/my nas/pictures', ['/'], '/mnt/my nas'],
  ['/mnt/usb/x', ['/'], null],
  ['/mnt/old/x', ['/'], null],
  ['/home/shop', ['/'], null],
])('%s where %j are mounted: missing is %s', (folder, mounted, missing) => {
  expect(missingMount(table, mounted, folder)).toBe(missing);
});
