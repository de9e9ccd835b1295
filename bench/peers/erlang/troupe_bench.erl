%% The workloads of the benchmarks as Erlang processes. Reads lines: "keys", or a workload and how many times; writes
%% nanoseconds for one time. Every workload checks that what was sent was handled.
-module(troupe_bench).
-export([main/0]).

-define(BURST, 1000).
-define(RING, 503).
-define(SUBSCRIBERS, 100).
-define(BIG, 1000).

main() ->
    case io:get_line("") of
        eof ->
            halt();
        Line ->
            case string:lexemes(Line, " \n") of
                ["keys"] ->
                    io:format("tell pingPong ask publish spawn threadRing forkJoinCreate big skynet~n");
                [Key, Times] ->
                    %% Each in a process of its own, whose heap goes with it.
                    Self = self(),
                    spawn_link(fun() -> Self ! {ns, run(list_to_atom(Key), list_to_integer(Times))} end),
                    receive {ns, Ns} -> io:format("~.3f~n", [float(Ns)]) end
            end,
            main()
    end.

timed(Times, Work) ->
    Start = erlang:monotonic_time(nanosecond),
    Work(),
    (erlang:monotonic_time(nanosecond) - Start) / Times.

repeat(0, _) -> ok;
repeat(N, Work) -> Work(), repeat(N - 1, Work).

counter(N) ->
    receive
        {add, By} -> counter(N + By);
        {get, From, Tag} -> From ! {Tag, N}, counter(N);
        stop -> ok
    end.

%% As gen_server:call does: with a monitor and a deadline.
ask(Pid) ->
    Tag = monitor(process, Pid),
    Pid ! {get, self(), Tag},
    receive
        {Tag, N} -> demonitor(Tag, [flush]), N;
        {'DOWN', Tag, _, _, Why} -> exit(Why)
    after 5000 -> exit(timeout)
    end.

run(tell, Times) ->
    Pid = spawn_link(fun() -> counter(0) end),
    Bursts = (Times + ?BURST - 1) div ?BURST,
    Ns = timed(Bursts * ?BURST, fun() ->
        repeat(Bursts, fun() -> repeat(?BURST, fun() -> Pid ! {add, 1} end), ask(Pid) end)
    end),
    Sent = Bursts * ?BURST,
    Sent = ask(Pid),
    Pid ! stop,
    Ns;
run(pingPong, Times) -> ring(2, Times);
run(threadRing, Times) -> ring(?RING, Times);
run(ask, Times) ->
    Pid = spawn_link(fun() -> counter(0) end),
    Ns = timed(Times, fun() -> repeat(Times, fun() -> 0 = ask(Pid) end) end),
    Pid ! stop,
    Ns;
run(publish, Times) ->
    Pids = [spawn_link(fun() -> counter(0) end) || _ <- lists:seq(1, ?SUBSCRIBERS)],
    Ns = timed(Times, fun() -> published(Pids, Times) end),
    [Times = ask(Pid) || Pid <- Pids],
    [Pid ! stop || Pid <- Pids],
    Ns;
run(spawn, Times) ->
    Self = self(),
    Start = erlang:monotonic_time(nanosecond),
    Pids = spawned(Times, Self, []),
    Ns = (erlang:monotonic_time(nanosecond) - Start) / Times,
    Times = length(Pids),
    [Pid ! stop || Pid <- Pids],
    Ns;
run(forkJoinCreate, Times) ->
    Self = self(),
    timed(Times, fun() ->
        repeat(Times, fun() -> spawn(fun() -> receive work -> _ = math:sin(37.2), Self ! done end end) ! work end),
        repeat(Times, fun() -> receive done -> ok end end)
    end);
run(big, _) ->
    Self = self(),
    Pids = [spawn_link(fun() -> peer(Self) end) || _ <- lists:seq(1, ?BIG)],
    timed(?BIG * (?BIG - 1), fun() ->
        [Pid ! {go, Pids} || Pid <- Pids],
        repeat(?BIG, fun() -> receive handled -> ok end end)
    end);
run(skynet, Times) ->
    Leaves = round(math:pow(10, floor(math:log10(Times)))),
    Actors = (Leaves * 10 - 1) div 9,
    Self = self(),
    timed(Actors, fun() ->
        spawn(fun() -> skynet(0, Leaves, Self) end),
        Expected = Leaves * (Leaves - 1) div 2,
        receive {sum, Expected} -> ok end
    end).

%% As often as in the other contenders, the last subscriber is asked, so that queues stay short.
published(_, 0) -> ok;
published(Pids, Left) ->
    [Pid ! {add, 1} || Pid <- Pids],
    if Left rem 50 =:= 1 -> ask(lists:last(Pids)); true -> ok end,
    published(Pids, Left - 1).

spawned(0, _, Pids) -> Pids;
spawned(Left, Self, Pids) -> spawned(Left - 1, Self, [spawn(fun() -> counter(0) end) | Pids]).

ring(Size, Times) ->
    Self = self(),
    [First | _] = Nodes = [spawn_link(fun() -> node_of(Self) end) || _ <- lists:seq(1, Size)],
    [Node ! {next, Next} || {Node, Next} <- lists:zip(Nodes, tl(Nodes) ++ [First])],
    Ns = timed(Times, fun() -> First ! {token, Times - 1}, receive ended -> ok end end),
    [Node ! stop || Node <- Nodes],
    Ns.

node_of(Main) -> receive {next, Next} -> node_of(Main, Next) end.
node_of(Main, Next) ->
    receive
        {token, 0} -> Main ! ended, node_of(Main, Next);
        {token, Left} -> Next ! {token, Left - 1}, node_of(Main, Next);
        stop -> ok
    end.

peer(Main) ->
    receive {go, Pids} -> [Pid ! ping || Pid <- Pids, Pid =/= self()] end,
    repeat(?BIG - 1, fun() -> receive ping -> ok end end),
    Main ! handled.

skynet(First, 1, Parent) -> Parent ! {sum, First};
skynet(First, Size, Parent) ->
    Self = self(),
    Part = Size div 10,
    [spawn(fun() -> skynet(First + I * Part, Part, Self) end) || I <- lists:seq(0, 9)],
    Parent ! {sum, lists:sum([receive {sum, Sum} -> Sum end || _ <- lists:seq(1, 10)])}.
