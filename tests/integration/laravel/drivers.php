<?php

// What an app's .env means to PHP's drivers: the app's config files on top of it, real Illuminate, PDO, phpredis and
// php-amqplib below. beside_php.py asks for `facts($in)` and gets what the server says, or null where PHP is refused.

use Dotenv\Dotenv;
use Illuminate\Database\Capsule\Manager;
use Illuminate\Redis\Connectors\PhpRedisConnector;
use Illuminate\Redis\RedisManager;
use Illuminate\Support\Env;
use Illuminate\Support\Str;
use PhpAmqpLib\Connection\AMQPConnectionConfig;
use PhpAmqpLib\Connection\AMQPConnectionFactory;

/** Logs in as the class does since Laravel 9: Debian's 8 does not know user names. */
class NewerConnector extends PhpRedisConnector
{
    protected function createClient(array $config)
    {
        $client = new Redis;
        $this->establishConnection($client, $config);
        if (! empty($config['password'])) {
            $named = isset($config['username']) && $config['username'] !== '' && is_string($config['password']);
            $client->auth($named ? [$config['username'], $config['password']] : $config['password']);
        }
        if (isset($config['database'])) {
            $client->select((int) $config['database']);
        }
        if (! empty($config['prefix'])) {
            $client->setOption(Redis::OPT_PREFIX, $config['prefix']);
        }

        return $client;
    }
}

/** config/database.php of Laravel 11 and later, and the option that FACE_DATABASE_TIMEZONE tells us. */
function mysql($in)
{
    $manager = new Manager;
    $manager->addConnection([
        'driver' => 'mysql', 'url' => env('DB_URL'), 'host' => env('DB_HOST', '127.0.0.1'),
        'port' => env('DB_PORT', '3306'), 'database' => env('DB_DATABASE', 'laravel'),
        'username' => env('DB_USERNAME', 'root'), 'password' => env('DB_PASSWORD', ''),
        'unix_socket' => env('DB_SOCKET', ''), 'charset' => env('DB_CHARSET', 'utf8mb4'),
        'collation' => env('DB_COLLATION', 'utf8mb4_unicode_ci'), 'prefix' => '', 'prefix_indexes' => true,
        'strict' => true, 'engine' => null, 'timezone' => $in->timezone,
        'options' => array_filter([PDO::MYSQL_ATTR_SSL_CA => env('MYSQL_ATTR_SSL_CA')]),
    ]);

    return (array) $manager->getConnection()->select($in->question)[0];
}

function redis($in)
{
    $server = [
        'url' => env('REDIS_URL'), 'host' => env('REDIS_HOST', '127.0.0.1'), 'username' => env('REDIS_USERNAME'),
        'password' => env('REDIS_PASSWORD'), 'port' => env('REDIS_PORT', '6379'),
    ];
    $manager = new RedisManager(new App, env('REDIS_CLIENT', 'phpredis'), [
        'options' => [
            'cluster' => env('REDIS_CLUSTER', 'redis'),
            'prefix' => env('REDIS_PREFIX', Str::slug(env('APP_NAME', 'laravel'), '_').'_database_'),
        ],
        'default' => $server + ['database' => env('REDIS_DB', '0')],
        'cache' => $server + ['database' => env('REDIS_CACHE_DB', '1')],
    ]);
    $manager->extend('phpredis', fn () => new NewerConnector);

    return array_map(function ($name) use ($manager) {
        $client = $manager->connection($name)->client();
        preg_match('/ db=(\d+) /', $client->rawCommand('CLIENT', 'INFO'), $database);

        return [
            $client->rawCommand('CONFIG', 'GET', 'dir')[1], $client->rawCommand('ACL', 'WHOAMI'), (int) $database[1],
            $client->_prefix(''),
        ];
    }, ['default', 'cache']);
}

/** What the queue driver's ConfigFactory takes of the first host, each only where PHP's `if` finds something. */
function rabbitmq($in)
{
    $host = [
        'host' => env('RABBITMQ_HOST', '127.0.0.1'), 'port' => env('RABBITMQ_PORT', 5672),
        'user' => env('RABBITMQ_USER', 'guest'), 'password' => env('RABBITMQ_PASSWORD', 'guest'),
        'vhost' => env('RABBITMQ_VHOST', '/'),
    ];
    $config = new AMQPConnectionConfig;
    foreach ($host as $name => $value) {
        if ($value) {
            $config->{"set$name"}($value);
        }
    }
    AMQPConnectionFactory::create($config)->channel();

    return [$config->getUser(), $config->getVhost()];
}

function facts($in)
{
    Dotenv::create(Env::getRepository(), $in->folder)->load();
    try {
        return ($in->kind)($in);
    } catch (Throwable) {
        return null;
    }
}
