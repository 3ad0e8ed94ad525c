/** The service's DynamoDB table and what all its items share. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DeleteCommand, DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { awsErrorCode, mapAwsError } from '../errors.ts';
import { clientSettings } from '../settings.ts';

export interface Table {
  readonly client: DynamoDBDocumentClient;
  readonly name: string;
}

export function journalTable(name: string): Table {
  const client = DynamoDBDocumentClient.from(new DynamoDBClient(clientSettings), {
    marshallOptions: { removeUndefinedValues: true },
  });
  return { client, name };
}

/** Deletes an item that an integration holds; one that is gone, or belongs to another integration, is left alone. */
export async function deleteOwnItem(
  table: Table,
  Key: { pk: string },
  integrationId: string,
  what: string,
): Promise<void> {
  try {
    await table.client.send(
      new DeleteCommand({
        TableName: table.name,
        Key,
        ConditionExpression: 'attribute_not_exists(pk) OR integrationId = :id',
        ExpressionAttributeValues: { ':id': integrationId },
      }),
    );
  } catch (error) {
    if (awsErrorCode(error) !== 'ConditionalCheckFailed') throw mapAwsError(error, what);
  }
}
