<?php

// The photo app on the PHP side, out of real Laravel's parts: dispatches, works, locks, gives artisan's orders.
// app_in_php.py starts it and speaks to it in JSON, one line for each question and answer.

namespace App\Jobs {
    use Illuminate\Bus\Batchable;
    use Illuminate\Bus\Queueable;
    use Illuminate\Contracts\Queue\ShouldQueue;
    use Illuminate\Queue\InteractsWithQueue;

    class BaseJob implements ShouldQueue
    {
        use InteractsWithQueue, Queueable;

        /** What the last job that ran here was given. */
        public static $ran = null;

        protected $taskData;

        public function __construct(array $taskData)
        {
            $this->taskData = $taskData;
        }

        public function handle()
        {
            self::$ran = ['class' => static::class, 'data' => $this->taskData];
        }
    }

    class FaceProcessJob extends BaseJob
    {
    }

    class ImageProcessJob extends BaseJob
    {
    }
}

namespace {
    use App\Jobs\BaseJob;
    use Illuminate\Bus\Dispatcher;
    use Illuminate\Cache\Repository;
    use Illuminate\Container\Container;
    use Illuminate\Contracts\Bus\Dispatcher as DispatcherContract;
    use Illuminate\Contracts\Cache\Repository as CacheContract;
    use Illuminate\Queue\Console\RestartCommand;
    use Illuminate\Queue\Console\RetryCommand;
    use Illuminate\Queue\Failed\DatabaseUuidFailedJobProvider;
    use Illuminate\Queue\Jobs\SyncJob;
    use Illuminate\Queue\NullQueue;
    use PhpAmqpLib\Connection\AMQPStreamConnection;
    use PhpAmqpLib\Exception\AMQPProtocolChannelException;
    use PhpAmqpLib\Message\AMQPMessage;
    use PhpAmqpLib\Wire\AMQPTable;
    use Symfony\Component\Console\Tester\CommandTester;

    /** Publishes as Laravel's RabbitMQ driver does. */
    class RabbitQueue extends NullQueue
    {
        private $connection;

        private $channel;

        public function __construct($port)
        {
            $this->connection = new AMQPStreamConnection('127.0.0.1', $port, 'guest', 'guest');
            $this->channel = $this->connection->channel();
        }

        public function connection($name)
        {
            return $this;
        }

        public function push($job, $data = '', $queue = null)
        {
            return $this->pushRaw($this->createPayload($job, $queue ?: 'default', $data), $queue);
        }

        public function later($delay, $job, $data = '', $queue = null)
        {
            $queue = $queue ?: 'default';

            return $this->published($this->createPayload($job, $queue, $data), $queue, $this->secondsUntil($delay) * 1000);
        }

        public function pushRaw($payload, $queue = null, array $options = [])
        {
            return $this->published($payload, $queue ?: 'default', 0);
        }

        public function pop($queue = null)
        {
            return $this->channel->basic_get($queue);
        }

        public function ack($message)
        {
            $this->channel->basic_ack($message->getDeliveryTag());
        }

        protected function createPayloadArray($job, $queue, $data = '')
        {
            return parent::createPayloadArray($job, $queue, $data) + ['id' => (string) Illuminate\Support\Str::uuid()];
        }

        private function published($payload, $queue, $ttl)
        {
            $this->declared($queue);
            $key = $queue;
            if ($ttl > 0) {
                $key = "$queue.delay.$ttl";
                $this->channel->queue_declare($key, false, true, false, false, false, new AMQPTable([
                    'x-dead-letter-exchange' => '', 'x-dead-letter-routing-key' => $queue,
                    'x-message-ttl' => $ttl, 'x-expires' => $ttl * 2,
                ]));
            }
            $message = new AMQPMessage($payload, [
                'content_type' => 'application/json',
                'delivery_mode' => AMQPMessage::DELIVERY_MODE_PERSISTENT,
                'correlation_id' => json_decode($payload, true)['id'],
                'application_headers' => new AMQPTable(['laravel' => ['attempts' => 0]]),
            ]);
            $this->channel->basic_publish($message, '', $key, true);
        }

        private function declared($queue)
        {
            try {
                $channel = $this->connection->channel();
                $channel->queue_declare($queue, true);
                $channel->close();
            } catch (AMQPProtocolChannelException $error) {
                if ($error->amqp_reply_code !== 404) {
                    throw $error;
                }
                $this->channel->queue_declare($queue, false, true, false, false);
            }
        }
    }

    class Resolver implements Illuminate\Database\ConnectionResolverInterface
    {
        private $connection;

        public function __construct($connection)
        {
            $this->connection = $connection;
        }

        public function connection($name = null)
        {
            return $this->connection;
        }

        public function getDefaultConnection()
        {
            return '';
        }

        public function setDefaultConnection($name)
        {
        }
    }

    function artisan($command, array $arguments = [])
    {
        $command->setLaravel(Container::getInstance());
        $tester = new CommandTester($command);
        $tester->execute($arguments);

        return $tester->getDisplay();
    }

    $in = json_decode(fgets(STDIN));
    $app = Container::setInstance(new App);
    $queue = new RabbitQueue($in->rabbitmq);
    $queue->setContainer($app);
    $app->instance(Illuminate\Contracts\Container\Container::class, $app);
    $app->instance('queue', $queue);
    $app->instance(DispatcherContract::class, new Dispatcher($app, fn () => $queue));
    $app->instance('events', new Illuminate\Events\Dispatcher($app));
    $failer = new DatabaseUuidFailedJobProvider(new Resolver(database($in->database->port, $in->database->database)), '', 'failed_jobs');
    $app->instance('queue.failer', $failer);
    $store = cache($in->cache);
    $cache = new Repository($store);
    $app->instance(CacheContract::class, $cache);

    $verbs = [
        // A job, or a chain where there are several: lists of class, image and properties.
        'dispatch' => function ($ask) {
            $jobs = array_map(function ($one) {
                $job = new ("App\\Jobs\\$one->class")(['image_id' => $one->image]);
                foreach ($one->properties ?? [] as $name => $value) {
                    $job->$name = $value;
                }

                return $job;
            }, $ask->jobs);
            $first = array_shift($jobs);
            if ($jobs) {
                $first->chain($jobs);
            }
            // Its destructor dispatches.
            dispatch($first);
        },
        // Work one message off a queue with Laravel's own handler: the job runs, the next of its chain is published.
        'work' => function ($ask) use ($queue, $app) {
            $message = $queue->pop($ask->queue);
            if ($message === null) {
                return null;
            }
            BaseJob::$ran = null;
            (new SyncJob($app, $message->getBody(), 'rabbitmq', $ask->queue))->fire();
            $queue->ack($message);

            return BaseJob::$ran;
        },
        'retry' => fn ($ask) => artisan(new RetryCommand, ['id' => $ask->ids]),
        'restart' => fn () => artisan(new RestartCommand($cache)),
        'forever' => fn ($ask) => $cache->forever($ask->key, $ask->value),
        'forget' => fn ($ask) => $cache->forget($ask->key),
        'lock' => fn ($ask) => $store->lock($ask->key, $ask->seconds, $ask->owner)->get(),
        'unlock' => fn ($ask) => $store->lock($ask->key, 0, $ask->owner)->release(),
    ];
    answer('ready');
    while ($line = fgets(STDIN)) {
        $ask = json_decode($line);
        answer($verbs[$ask->verb]($ask));
    }
}
