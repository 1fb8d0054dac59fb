-- counted
WITH supported AS (
    SELECT DISTINCT w.period, w.first_day, w.last_day, t.person_key
    FROM measure_period AS w
    JOIN measure_support AS t ON t.kind = 'community' AND t.start_date <= w.last_day
        AND (t.end_date IS NULL OR t.end_date >= w.first_day)
    JOIN measure_person AS p ON p.person_key = t.person_key
    CROSS JOIN setting AS s
    WHERE p.is_client = 1 AND p.is_registered = 1 AND w.last_number - p.born >= s.min_age * 10000
        AND (s.any_practice OR p.gp_practice_code IN (SELECT gp_practice_code FROM area_practice))
        AND p.gp_practice_code IS NOT NULL
), admitted AS (
    SELECT u.period, u.person_key, count(*) AS admissions
    FROM supported AS u
    JOIN measure_avoidable AS a ON a.person_key = u.person_key AND a.start_date BETWEEN u.first_day AND u.last_day
    CROSS JOIN setting AS s
    WHERE EXISTS (
            SELECT 1 FROM measure_support AS t
            WHERE t.person_key = a.person_key AND t.kind = 'community' AND t.start_date <= a.start_date
                AND (t.end_date IS NULL OR t.end_date >= a.start_date))
        AND NOT (s.leave_out_care_homes AND EXISTS (
            SELECT 1 FROM measure_support AS t
            WHERE t.person_key = a.person_key AND t.kind IN ('residential', 'nursing')
                AND t.start_date <= a.start_date AND (t.end_date IS NULL OR t.end_date >= a.start_date)))
    GROUP BY u.period, u.person_key
)
SELECT u.period, u.person_key, 'All' AS part, coalesce(a.admissions, 0) AS admissions
FROM supported AS u
LEFT JOIN admitted AS a ON a.period = u.period AND a.person_key = u.person_key;

-- left out
SELECT DISTINCT w.period, t.person_key,
       CASE WHEN p.born IS NULL THEN 'no date of birth'
            WHEN p.is_registered = 0 THEN 'not linked'
            ELSE 'no practice is known' END AS reason
FROM measure_period AS w
JOIN measure_support AS t ON t.kind = 'community' AND t.start_date <= w.last_day
    AND (t.end_date IS NULL OR t.end_date >= w.first_day)
JOIN measure_person AS p ON p.person_key = t.person_key
CROSS JOIN setting AS s
WHERE p.is_client = 1
    AND (p.born IS NULL OR (w.last_number - p.born >= s.min_age * 10000
        AND (p.is_registered = 0 OR p.gp_practice_code IS NULL)));
