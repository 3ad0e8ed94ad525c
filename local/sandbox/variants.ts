/** Forms of Dataloop's answers of which nobody outside knows which one it is: settings choose. */
import type { Settings } from './schemas.ts';

/** Integrations and drivers of other types, as other products of Dataloop's and earlier versions left them. */
const oddities: readonly unknown[] = [
  { id: 'odd-1', name: 'a GCS integration', type: 'gcs', metadata: null },
  { id: 'odd-2', name: 'a key', type: 'key_value', metadata: { key: 'value' } },
  {
    id: 3,
    name: null,
    type: 'azureblob',
    metadata: [null, 7, { value: 'no name' }],
    createdAt: 1_600_000_000_000,
  },
  { id: 'odd-4', name: 'another AWS integration', type: 'aws-cross', metadata: 'text', org: { id: 'x' } },
  null,
];

const isList = (method: string, path: string): boolean =>
  method === 'GET' && (/^\/orgs\/[^/]+\/integrations$/.test(path) || path === '/drivers');

/** An answer in the form that the settings choose. */
export function inForm(answer: unknown, method: string, path: string, settings: Settings): unknown {
  const formed = formOf(answer, settings);
  if (!Array.isArray(formed) || !isList(method, path)) return formed;
  const all = settings.others === 'odd' ? [...oddities, ...formed] : formed;
  return settings.lists === 'paged' ? { items: all, hasNextPage: false, totalItemsCount: all.length } : all;
}

function formOf(value: unknown, settings: Settings): unknown {
  if (Array.isArray(value)) return value.map((each) => formOf(each, settings));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => {
      if (/^(created|updated)At$/.test(key) && settings.dates === 'numbers')
        return [key, Date.parse(String(each))];
      if (key === 'org' && settings.organizations === 'objects' && typeof each === 'string')
        return [key, { id: each }];
      if (key === 'org' && settings.organizations === 'texts') return [key, idOf(each)];
      return [key, formOf(each, settings)];
    }),
  );
}

const idOf = (organization: unknown): unknown =>
  typeof organization === 'object' && organization !== null && 'id' in organization
    ? organization.id
    : organization;

/** A refusal in the form that the settings choose. */
export const refusalIn = (status: number, message: string, { errors }: Settings): object =>
  errors === 'status' ? { status, message } : { statusCode: status, message };
