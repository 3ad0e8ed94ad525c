/** What has been told, so that it is told once. */
import { PutCommand } from '@aws-sdk/lib-dynamodb';
import type { KeyWatch, Notice } from '../../../domain/healthcheck/api-key.ts';
import { awsCall } from '../errors.ts';
import { readItem, type Table } from './table.ts';

const noticeKey = ({ expiresAt, days }: Notice) => ({ pk: `notice#api-key#${expiresAt}#${days}` });

/** How long a notice is kept after the end of its key, in seconds. */
const keptSeconds = 30 * 86_400;

export const noticeJournal = (table: Table): Pick<KeyWatch, 'wasTold' | 'keepNotice'> => ({
  wasTold: async (notice) => (await readItem(table, 'read a notice', noticeKey(notice))) !== undefined,
  keepNotice: async (notice) => {
    const expiresAt = Math.floor(notice.expiresAt / 1000) + keptSeconds;
    await awsCall('keep a notice', () =>
      table.client.send(new PutCommand({ TableName: table.name, Item: { ...noticeKey(notice), expiresAt } })),
    );
  },
});
