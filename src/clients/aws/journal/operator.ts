/** What an operator says of an integration, in its record. */
import type { OperatorJournal } from '../../../domain/waiting/operator.ts';
import { now, statusIn, updateRecord } from './item.ts';
import { recordReader } from './record.ts';
import type { Table } from './table.ts';

const createRole = '#steps.CreateRole';

export function operatorJournal(table: Table): OperatorJournal {
  return {
    ...recordReader(table),
    writeOperator: (integrationId, operator, before) => {
      const isUserNamed = operator.given === undefined;
      const { condition, values } = statusIn(['provisioning']);
      return updateRecord(
        table,
        integrationId,
        `record what the operator sent for integration ${integrationId}`,
        {
          UpdateExpression: 'SET #operator = :operator, #updatedAt = :now',
          ConditionExpression: [
            condition,
            ...(before
              ? [
                  '#operator.#userArn = :userArn',
                  before.given ? '#operator.#given.#id = :given' : 'attribute_not_exists(#operator.#given)',
                ]
              : ['attribute_not_exists(#operator)']),
            // An attempt that runs takes whom it read when it began.
            ...(isUserNamed
              ? [`(attribute_not_exists(${createRole}) OR ${createRole}.#status = :retrying)`]
              : []),
          ].join(' AND '),
          names: {
            '#operator': 'operator',
            '#status': 'status',
            '#updatedAt': 'updatedAt',
            ...(isUserNamed ? { '#steps': 'steps' } : {}),
            ...(before ? { '#userArn': 'userArn', '#given': 'given' } : {}),
            ...(before?.given ? { '#id': 'dataloopIntegrationId' } : {}),
          },
          values: {
            ...values,
            ':operator': operator,
            ':now': now(),
            ...(isUserNamed ? { ':retrying': 'retrying' } : {}),
            ...(before ? { ':userArn': before.userArn } : {}),
            ...(before?.given ? { ':given': before.given.dataloopIntegrationId } : {}),
          },
        },
      );
    },
  };
}
