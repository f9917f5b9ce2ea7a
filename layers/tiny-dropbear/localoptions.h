/*
 * The ssh server of a tiny system: keys only, one modern way for everything that a client of today can do, and RSA and
 * ECDSA keys of users besides ed25519. What is not here is as default_options.h of dropbear has it.
 */

/* There are no passwords to try. */
#define DROPBEAR_SVR_PASSWORD_AUTH 0
#define DROPBEAR_SVR_PUBKEY_AUTH 1

/* Init starts it. */
#define INETD_MODE 0
#define DROPBEAR_DELAY_HOSTKEY 0

#define DROPBEAR_SMALL_CODE 1
#define DROPBEAR_SFTPSERVER 0
#define DROPBEAR_X11FWD 0
#define DROPBEAR_SVR_AGENTFWD 0
#define DROPBEAR_SVR_LOCALSTREAMFWD 0
#define DO_MOTD 0

/* Key exchange: one that quantum computers do not break, and the usual one. */
#define DROPBEAR_MLKEM768 1
#define DROPBEAR_SNTRUP761 0
#define DROPBEAR_CURVE25519 1
#define DROPBEAR_ECDH 0
#define DROPBEAR_DH_GROUP14_SHA256 0
#define DROPBEAR_DH_GROUP14_SHA1 0
#define DROPBEAR_DH_GROUP16 0
