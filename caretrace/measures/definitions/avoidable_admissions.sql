-- counted
WITH supported AS (
    SELECT DISTINCT w.period, t.person_key
    FROM measure_period AS w
    JOIN measure_support AS t ON t.kind = 'community' AND t.start_date <= w.last_day
        AND (t.end_date IS NULL OR t.end_date >= w.first_day)
), admitted AS (
    SELECT w.period, a.person_key, count(*) AS admissions
    FROM measure_period AS w
    JOIN measure_avoidable AS a ON a.start_date BETWEEN w.first_day AND w.last_day
    GROUP BY w.period, a.person_key
)
SELECT w.period, p.person_key,
       CASE WHEN u.person_key IS NULL THEN 'others' ELSE 'supported in the community' END AS part,
       coalesce(a.admissions, 0) AS admissions
FROM measure_period AS w
CROSS JOIN setting AS s
JOIN measure_person AS p ON p.is_registered = 1 AND w.last_number - p.born >= s.min_age * 10000
    AND (p.death_date IS NULL OR p.death_date >= w.first_day)
LEFT JOIN supported AS u ON u.period = w.period AND u.person_key = p.person_key
LEFT JOIN admitted AS a ON a.period = w.period AND a.person_key = p.person_key;

-- left out
WITH supported AS (
    SELECT DISTINCT w.period, w.last_number, t.person_key
    FROM measure_period AS w
    JOIN measure_support AS t ON t.kind = 'community' AND t.start_date <= w.last_day
        AND (t.end_date IS NULL OR t.end_date >= w.first_day)
)
SELECT u.period, u.person_key, 'not linked' AS reason
FROM supported AS u
JOIN measure_person AS p ON p.person_key = u.person_key AND p.is_registered = 0
CROSS JOIN setting AS s
WHERE p.born IS NULL OR u.last_number - p.born >= s.min_age * 10000
UNION ALL
SELECT w.period, p.person_key, 'no date of birth'
FROM measure_period AS w
JOIN measure_person AS p ON p.born IS NULL AND p.is_registered = 1
    AND (p.death_date IS NULL OR p.death_date >= w.first_day);
