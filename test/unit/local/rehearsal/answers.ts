/** Answers of the service, as the rehearsal gets them. */
import type { IntegrationAnswer } from '../../../../local/observe/api-client.ts';
import type { Subject } from '../../../../local/rehearsal/rehearsal.ts';
import { rehearsals } from '../../../../local/rehearsal/steps.ts';
import { problemType } from '../../../../src/errors.ts';

export function answer(more: Partial<IntegrationAnswer> = {}): IntegrationAnswer {
  return {
    integrationId: 'int_A',
    name: 'rehearsal-a-1',
    status: 'ready',
    createdAt: '2026-11-23T10:00:00.000Z',
    updatedAt: '2026-11-23T10:00:00.000Z',
    steps: [],
    resources: [],
    residue: [],
    links: { self: '/integrations/int_A', execution: 'arn:execution', console: 'https://console' },
    ...more,
  };
}

export const refused = (step: string) => ({
  type: problemType('AwsAccessDeniedError'),
  title: 'AWS denied access',
  detail: 'AWS did not do it.',
  step,
});

export const resources = {
  bucket: { type: 'AWS::S3::Bucket', arn: 'arn:aws:s3:::dataloop-r' },
  role: { type: 'AWS::IAM::Role', arn: 'arn:aws:iam::1:role/x/dataloop-r' },
  driver: { type: 'Dataloop::Driver', id: 'd-1' },
};

export const leftover = (resource: { type: string; arn?: string; id?: string; name?: string }) => ({
  ...resource,
  reason: 'It was refused.',
  advice: 'Send DELETE for this integration again.',
});

export const run = (status: string, output: Record<string, unknown> = {}) => ({
  executionArn: 'arn:undo',
  status,
  output,
});

/** Of an integration, unless it says otherwise. */
export function connectionOf(step: string, wanted: Subject = 'integration') {
  const found = rehearsals.find((each) => each.step === step && each.subject === wanted);
  if (found?.of !== 'connection') throw new Error(`${step} fails no connection.`);
  return found;
}

export function removalOf(step: string, wanted: Subject = 'integration') {
  const found = rehearsals.find((each) => each.step === step && each.subject === wanted);
  if (found?.of !== 'removal') throw new Error(`${step} fails no removal.`);
  return found;
}
