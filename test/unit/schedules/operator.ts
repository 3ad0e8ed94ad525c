/** The person who makes the integration at Dataloop, where a request says so. */
import type { JournalRecord } from '../../../src/domain/model/record.ts';
import { awaitedOf } from '../../../src/domain/waiting/operator.ts';
import type { Adoption, Says } from './adoption.ts';
import type { Simulation } from './simulation.ts';
import { stranger } from './things.ts';
import type { PlatformIntegration } from './world-dataloop.ts';

export interface Operators {
  /** Does what is awaited of the operator now, and says so. */
  act(record: JournalRecord, says: Says): void;
  /** Looks every so often what is to be done, as long as anything is awaited. */
  begin(): void;
}

/**
 * @param call POST /integrations/{integrationId}/iam-user
 */
export function operators(
  { clock, journal, platform }: Simulation,
  { operatorDelayMs: delayMs, operatorSays }: Partial<Adoption>,
  call: (integrationId: string, body: object) => void,
): Operators {
  const made = new Map<string, PlatformIntegration>();
  const answered = new Set<string>();
  let isLooking = false;

  const integrationFor = ({ id: integrationId, name }: JournalRecord): PlatformIntegration => {
    const known = made.get(integrationId);
    if (known) return known;
    const integration = platform.addIntegration(stranger, `${name} by hand`);
    made.set(integrationId, integration);
    return integration;
  };

  function nameUser(record: JournalRecord, says: Says): void {
    const integration = integrationFor(record);
    const another = [...platform.integrations.values()].find(({ id }) => id !== integration.id);
    const named = says === 'another user' && another ? another : integration;
    if (!platform.isIssued(named)) return;
    platform.name(named);
    const userArn = says === 'a forged user' ? 'arn:aws:iam::999999999999:user/forged' : named.userArn;
    call(record.id, { userArn });
  }

  function giveRole(record: JournalRecord, says: Says): void {
    const integration = integrationFor(record);
    const { arn } = record.resources.role ?? {};
    if (says === 'right') platform.giveRole(integration, arn);
    const another = [...platform.integrations.values()].find(({ id }) => id !== integration.id);
    const named = says === 'another integration' && another ? another : integration;
    call(record.id, { userArn: record.operator?.userArn, dataloopIntegrationId: named.id });
  }

  const act: Operators['act'] = (record, says) => {
    const awaited = awaitedOf(record);
    if (awaited === 'iam-user' || awaited === 'correct-iam-user') nameUser(record, says);
    if (awaited === 'role-given' || awaited === 'correct-integration') giveRole(record, says);
  };

  function look(): void {
    const open = journal.records().filter(({ status }) => status === 'provisioning');
    for (const record of open) {
      const awaited = awaitedOf(record);
      const question = `${record.id} ${awaited}`;
      act(record, answered.has(question) ? 'right' : (operatorSays ?? 'right'));
      if (awaited) answered.add(question);
    }
    isLooking = open.length > 0;
    if (isLooking && delayMs !== undefined) clock.after(delayMs, look);
  }

  return {
    act,
    begin: () => {
      if (isLooking || delayMs === undefined) return;
      isLooking = true;
      clock.after(delayMs, look);
    },
  };
}
