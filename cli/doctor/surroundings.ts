/** Node.js, credentials, region, stack and alarms. */
import type { Account } from '../connection/account.ts';
import type { Stack } from '../connection/stack.ts';
import type { World } from '../world.ts';
import { type Check, failed, failure, passed, skipped, warning } from './check.ts';

/** Lines of Node.js that package.json names, each with its first version. */
const supported = [
  [20, 19],
  [22, 13],
] as const;

export function checkNode({ nodeVersion }: Pick<World, 'nodeVersion'>): Check {
  const [major = 0, minor = 0] = nodeVersion.split('.').map(Number);
  const line = supported.find(([version]) => version === major);
  const isFit = major >= 24 || (line !== undefined && minor >= line[1]);
  return isFit
    ? passed('Node.js', nodeVersion)
    : failed('Node.js', `${nodeVersion} is not supported`, 'Install Node.js 20.19+, 22.13+ or 24+.');
}

export async function checkCaller(account: Account): Promise<Check> {
  try {
    return passed('Credentials', await account.caller());
  } catch (error) {
    return failure('Credentials', error);
  }
}

export async function checkRegion(account: Account): Promise<Check> {
  try {
    return passed('Region', await account.region());
  } catch (error) {
    return failure('Region', error);
  }
}

const busy = /_IN_PROGRESS$/;
const broken = /FAILED|^ROLLBACK_COMPLETE$|^DELETE_COMPLETE$/;

export function checkStack({ name, status, outputs }: Stack, version: string): Check {
  const what = 'Stack';
  const deployed = outputs['Version'];
  const detail = `${name}, ${status}${deployed ? `, version ${deployed}` : ''}`;
  if (broken.test(status)) return failed(what, detail, 'Deploy it again: docs/deployment.md.');
  if (busy.test(status)) return warning(what, detail, 'It is being deployed. Wait, and run doctor again.');
  if (!deployed)
    return warning(what, `${detail}, of an earlier version`, 'Deploy it again: docs/deployment.md.');
  if (deployed === version) return passed(what, detail);
  return warning(
    what,
    `${detail}; this program is ${version}`,
    'Use the program of the version that is deployed.',
  );
}

export async function checkAlarms(account: Account, { name }: Stack): Promise<Check> {
  const what = 'Alarms';
  try {
    const alarms = await account.alarms(`${name}-`);
    const silent = alarms.filter(({ actions }) => actions === 0).map((alarm) => alarm.name);
    if (alarms.length === 0)
      return warning(what, `${name} has no alarms`, 'Deploy it again: docs/deployment.md.');
    if (silent.length === 0) return passed(what, `${alarms.length} alarms, each with a subscriber`);
    return warning(
      what,
      `Nobody hears of: ${silent.join(', ')}`,
      'In CloudWatch, give each an action, such as an SNS topic that mails you.',
    );
  } catch (error) {
    return failure(what, error, skipped);
  }
}
