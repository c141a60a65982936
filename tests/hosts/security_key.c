/* A security key without the hardware, as OpenSSH's programs load one (SecurityKeyProvider,
 * PROTOCOL.u2f): it signs whenever it is asked, and its key handles are the private keys
 * themselves. For tests: what sshd verifies is a real signature of a real sk- key. */
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/sha.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ECDSA 0
#define ED25519 1
#define PRESENT 1
#define FAILED (-1)

struct sk_option;
struct sk_resident_key;

struct sk_enroll_response {
    uint8_t flags;
    uint8_t *public_key;
    size_t public_key_len;
    uint8_t *key_handle;
    size_t key_handle_len;
    uint8_t *signature;
    size_t signature_len;
    uint8_t *attestation_cert;
    size_t attestation_cert_len;
    uint8_t *authdata;
    size_t authdata_len;
};

struct sk_sign_response {
    uint8_t flags;
    uint32_t counter;
    uint8_t *sig_r;
    size_t sig_r_len;
    uint8_t *sig_s;
    size_t sig_s_len;
};

uint32_t sk_api_version(void)
{
    return 0x000a0000;
}

/* What is given back is freed by whoever asked. */
static uint8_t *copy(const void *bytes, size_t length)
{
    uint8_t *copied = malloc(length ? length : 1);
    if (copied)
        memcpy(copied, bytes, length);
    return copied;
}

static int enroll_ed25519(struct sk_enroll_response *response)
{
    uint8_t public[32], private[32];
    size_t public_len = sizeof public, private_len = sizeof private;
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    if (!key || EVP_PKEY_get_raw_public_key(key, public, &public_len) != 1 ||
        EVP_PKEY_get_raw_private_key(key, private, &private_len) != 1)
        return FAILED;
    EVP_PKEY_free(key);
    response->public_key = copy(public, public_len);
    response->public_key_len = public_len;
    response->key_handle = copy(private, private_len);
    response->key_handle_len = private_len;
    return 0;
}

/* The handle is the private number, 32 bytes, and the point behind it. */
static int enroll_ecdsa(struct sk_enroll_response *response)
{
    uint8_t handle[32 + 65];
    size_t point_len = 0;
    BIGNUM *private = NULL;
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    if (!key ||
        EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, handle + 32, 65, &point_len) != 1 ||
        point_len != 65 || EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_PRIV_KEY, &private) != 1 ||
        BN_bn2binpad(private, handle, 32) != 32)
        return FAILED;
    BN_free(private);
    EVP_PKEY_free(key);
    response->public_key = copy(handle + 32, 65);
    response->public_key_len = 65;
    response->key_handle = copy(handle, sizeof handle);
    response->key_handle_len = sizeof handle;
    return 0;
}

int sk_enroll(uint32_t alg, const uint8_t *challenge, size_t challenge_len, const char *application,
              uint8_t flags, const char *pin, struct sk_option **options,
              struct sk_enroll_response **answer)
{
    struct sk_enroll_response *response = calloc(1, sizeof *response);
    if (!response || (alg == ED25519 ? enroll_ed25519(response) : enroll_ecdsa(response)))
        return FAILED;
    (void)challenge, (void)challenge_len, (void)application, (void)pin, (void)options;
    response->flags = flags;
    /* Nobody looks at the attestation. */
    response->signature = copy("", 1);
    response->signature_len = 1;
    *answer = response;
    return 0;
}

static EVP_PKEY *ecdsa_key(const uint8_t *handle)
{
    EVP_PKEY *key = NULL;
    BIGNUM *private = BN_bin2bn(handle, 32, NULL);
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0);
    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_PRIV_KEY, private);
    OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, handle + 32, 65);
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    if (EVP_PKEY_fromdata_init(context) != 1 ||
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_KEYPAIR, params) != 1)
        key = NULL;
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(builder);
    BN_free(private);
    return key;
}

int sk_sign(uint32_t alg, const uint8_t *data, size_t data_len, const char *application,
            const uint8_t *handle, size_t handle_len, uint8_t flags, const char *pin,
            struct sk_option **options, struct sk_sign_response **answer)
{
    /* SHA-256 of the application, the flags, a counter, SHA-256 of what is signed. */
    uint8_t message[32 + 1 + 4 + 32] = {0};
    uint8_t signature[128];
    size_t length = sizeof signature;
    (void)pin, (void)options, (void)flags;
    SHA256((const uint8_t *)application, strlen(application), message);
    message[32] = PRESENT;
    message[36] = 1;
    SHA256(data, data_len, message + 37);

    struct sk_sign_response *response = calloc(1, sizeof *response);
    EVP_PKEY *key = NULL;
    if (alg == ED25519 && handle_len == 32)
        key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, handle, handle_len);
    else if (alg == ECDSA && handle_len == 32 + 65)
        key = ecdsa_key(handle);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    const EVP_MD *hash = alg == ED25519 ? NULL : EVP_sha256();
    if (!response || !key || EVP_DigestSignInit(context, NULL, hash, NULL, key) != 1 ||
        EVP_DigestSign(context, signature, &length, message, sizeof message) != 1)
        return FAILED;
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    response->flags = PRESENT;
    response->counter = 1;
    if (alg == ED25519) {
        response->sig_r = copy(signature, length);
        response->sig_r_len = length;
    } else {
        const uint8_t *at = signature;
        uint8_t number[32];
        ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &at, (long)length);
        if (!pair)
            return FAILED;
        BN_bn2binpad(ECDSA_SIG_get0_r(pair), number, 32);
        response->sig_r = copy(number, 32);
        BN_bn2binpad(ECDSA_SIG_get0_s(pair), number, 32);
        response->sig_s = copy(number, 32);
        response->sig_r_len = response->sig_s_len = 32;
        ECDSA_SIG_free(pair);
    }
    *answer = response;
    return 0;
}

int sk_load_resident_keys(const char *pin, struct sk_option **options,
                          struct sk_resident_key ***keys, size_t *count)
{
    (void)pin, (void)options, (void)keys, (void)count;
    return FAILED;
}
