/* A PAM module that asks for two things in one call of the conversation function, with a text
 * before each, as modules for two factors do. */

#include <security/pam_ext.h>
#include <security/pam_modules.h>
#include <stdlib.h>
#include <string.h>

int pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	const struct pam_conv *conv;
	const struct pam_message info = { PAM_TEXT_INFO, "Two things are wanted." };
	const struct pam_message colour = { PAM_PROMPT_ECHO_ON, "Colour: " };
	const struct pam_message error = { PAM_ERROR_MSG, "Both of them." };
	const struct pam_message secret = { PAM_PROMPT_ECHO_OFF, "Secret: " };
	const struct pam_message *messages[] = { &info, &colour, &error, &secret };
	struct pam_response *responses = NULL;
	int result;

	if (pam_get_item(pamh, PAM_CONV, (const void **)&conv) != PAM_SUCCESS || conv == NULL)
		return PAM_SERVICE_ERR;
	result = conv->conv(4, messages, &responses, conv->appdata_ptr);
	if (result != PAM_SUCCESS)
		return result;
	if (responses[0].resp != NULL || responses[2].resp != NULL)
		return PAM_SERVICE_ERR;
	result = strcmp(responses[1].resp, "blue") == 0 && strcmp(responses[3].resp, "secret") == 0
		? PAM_SUCCESS : PAM_AUTH_ERR;
	free(responses[1].resp);
	free(responses[3].resp);
	free(responses);
	return result;
}

int pam_sm_setcred(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	return PAM_SUCCESS;
}
