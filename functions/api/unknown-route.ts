import { ServiceError } from '../../src/errors.ts';
import { apiHandler } from '../../src/runtime/api.ts';

/** Every route that the API does not have. */
export const handler = apiHandler(async () => {
  throw new ServiceError(
    'RouteNotFoundError',
    'This API has POST and GET /integrations, GET and DELETE /integrations/{integrationId}, ' +
      'POST /integrations/{integrationId}/test, POST /integrations/{integrationId}/iam-user, ' +
      'POST /integrations/{integrationId}/removal-plan, POST /integrations/{integrationId}/drivers/{driverId}/removal-plan, ' +
      'POST /integrations/{integrationId}/drivers, GET and DELETE /integrations/{integrationId}/drivers/{driverId}, ' +
      'POST /integrations/{integrationId}/drivers/{driverId}/test and POST /plans.',
  );
});
